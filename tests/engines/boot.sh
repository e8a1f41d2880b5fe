#!/bin/sh
# Beam's worker as a process of its own. Prism passes its id in quotes, which no shell takes away: take them away.
for word in "$@"; do
    shift
    case $word in
    --id=\'*\') word=${word#--id=\'} word=--id=${word%\'} ;;
    esac
    set -- "$@" "$word"
done
exec "$(dirname "$0")/../../.cache/engines/container" "$@"
