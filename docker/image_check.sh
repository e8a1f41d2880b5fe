#!/usr/bin/env bash
# Build the images as they are and run them, without a daemon: buildah in a chroot, on Debian as stand-in for the base
# images, which have the same names. As root, on Debian 12. Not seen here: what the real base images hold besides.
#
#   docker/image_check.sh [worker] [training]     default: worker, which is the worker and the Dataflow image
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=3.11
beam=$(sed -n 's/^ARG BEAM_VERSION=//p' docker/Dockerfile)
cache=.cache/image-check
work=$(mktemp -d /var/tmp/pmc15m-images-XXXXXX)
export BUILDAH_ISOLATION=chroot
trap 'rm -rf "$work"' EXIT

in_store() { command buildah --root "$work/root" --runroot "$work/run" --storage-driver vfs "$@"; }
step() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

need() {
    local missing=()
    for tool in buildah debootstrap; do command -v "$tool" >/dev/null || missing+=("$tool"); done
    if ((${#missing[@]})); then
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
    fi >"$work/apt.log" 2>&1 || fail "cannot install ${missing[*]}: $(tail -n 3 "$work/apt.log")"
}

# A Debian with Python, which finds packages the way this machine does.
make_base() {
    mkdir -p "$cache"
    if [[ ! -f $cache/base.tar ]]; then
        debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/base" \
            >"$work/debootstrap.log" || fail "debootstrap: $(tail -n 3 "$work/debootstrap.log")"
        rm -rf "$work"/base/var/cache/apt/archives/*.deb "$work"/base/var/lib/apt/lists/*
        tar -C "$work/base" --exclude=./dev -cf "$cache/base.tar.part" .
        mv "$cache/base.tar.part" "$cache/base.tar"
        rm -rf "$work/base"
    fi
}

commit() { # a container to an image of that name
    in_store commit --quiet "$1" "$2" >/dev/null
    in_store rm "$1" >/dev/null
}

make_stand_ins() {
    local container
    container=$(in_store from scratch)
    in_store add --quiet "$container" "$cache/base.tar" / >/dev/null
    for file in /etc/ssl/certs/ca-certificates.crt /etc/pip.conf; do
        [[ ! -f $file ]] || in_store copy --quiet "$container" "$file" "$file" >/dev/null
    done
    commit "$container" "docker.io/library/python:$python-slim"

    # With Go at hand it is Beam's own boot.
    if command -v go >/dev/null; then
        GOBIN="$work/go" go install "github.com/apache/beam/sdks/v2/python/container@v$beam" 2>"$work/go.log" &&
            boot=$work/go/container
    fi
    if [[ -z ${boot-} ]]; then printf '#!/bin/sh\necho "stand-in of boot"\n' >"$work/boot"; chmod +x "$work/boot"; fi
    container=$(in_store from scratch)
    in_store copy --quiet "$container" "${boot:-$work/boot}" /opt/apache/beam/boot >/dev/null
    commit "$container" "docker.io/apache/beam_python${python}_sdk:$beam"

    printf '#!/bin/sh\nexit 0\n' >"$work/launcher"
    chmod +x "$work/launcher"
    container=$(in_store from scratch)
    in_store copy --quiet "$container" "$work/launcher" /opt/google/dataflow/python_template_launcher >/dev/null
    commit "$container" localhost/launcher
}

build() { # name, path of a Dockerfile, more
    local name=$1 file=$2
    shift 2
    in_store bud --pull-never --network host --format docker -f "$file" -t "localhost/$name" "$@" . \
        >"$work/build.log" 2>&1 || fail "building $name: $(tail -n 20 "$work/build.log")"
    step "$name is built, $(in_store images --format '{{.Size}}' "localhost/$name")"
}

# Its name is one that resolves in it: a driver tells workers the name of its host.
inside() { in_store run --network host --hostname localhost "$@"; }
config_of() { in_store inspect --type image --format "{{.Docker.Config.$2}}" "localhost/$1"; }
same() { [[ $2 == "$3" ]] || fail "$1: wanted '$2', got '$3'"; }

check_worker() {
    local container pins image=$1 user=$2
    container=$(in_store from --pull-never "localhost/$image")
    same entrypoint '[/opt/apache/beam/boot]' "$(config_of "$image" Entrypoint)"
    inside "$container" -- test -x /opt/apache/beam/boot || fail "no boot in $image"
    same user "$user" "$(inside "$container" -- id -un)"
    inside "$container" -- pmc15m --version
    pins=$(inside "$container" -- pip check 2>/dev/null || true)
    [[ $(wc -l <<<"$pins") == 1 && $pins == "apache-beam $beam has requirement pillow<13"*"but you have pillow 13."* ]] ||
        fail "pip check says more than that Pillow is newer than Beam's pin: $pins"
    same versions "$python $beam True" "$(inside "$container" -- python -c 'import sys, apache_beam, PIL
print("{}.{}".format(*sys.version_info), apache_beam.__version__, PIL.__version__ >= "13")')"
    [[ $user == root ]] || ! inside "$container" -- touch /opt/venv/x 2>/dev/null || fail "$image can change its code"
    # All stages, images decoded in children, written where a worker may write.
    inside "$container" -- pmc15m demo --out demo --articles 12 >/dev/null 2>"$work/run.log" ||
        fail "demo in $image: $(tail -n 5 "$work/run.log")"
    inside "$container" -- python -c 'from pmc15m.images.children import probe_guarded
from pmc15m.config import ImagesConfig
from PIL import Image; import io
out = io.BytesIO(); Image.effect_noise((300, 200), 50).save(out, "JPEG")
assert probe_guarded(out.getvalue(), ImagesConfig()).width_px == 300'
    step "$image runs as $user; pip check names the forced Pillow alone"
    [[ $image != worker || -z ${boot-} ]] || check_boot "$container"
    [[ $image != dataflow ]] || check_flex "$container"
    in_store rm "$container" >/dev/null
}

# The worker as a runner starts it: by boot, over gRPC, as the image's user.
check_boot() {
    inside "$1" -- sh -c '
        home=$(dirname "$(python -c "import pipelines; print(pipelines.__file__)")")
        setsid /opt/apache/beam/boot --worker_pool >pool.log 2>&1 &
        timeout 120 pmc15m extract --source demo/articles --out pairs --config "$home/configs/small.toml" -- \
            --runner=PortableRunner --job_endpoint=embed --environment_type=EXTERNAL \
            --environment_config=localhost:50000
        code=$?
        kill -- -$!
        exit $code' >"$work/run.log" 2>&1 || fail "extract by boot: $(tail -n 5 "$work/run.log")"
    step "boot's worker pool ran extract"
}

# The program of the template builds a graph for Dataflow; without credentials it goes no further.
check_flex() {
    inside "$1" -- python /template/flex.py --stage=extract --source=demo/articles --out=pairs \
        --runner=DataflowRunner --dry_run=True --no_auth --project=pmc15m-dry --region=us-central1 --job_name=j \
        --temp_location=gs://pmc15m-dry/t --staging_location=gs://pmc15m-dry/s --sdk_container_image=worker:1 \
        >"$work/run.log" 2>&1 || fail "flex: $(tail -n 5 "$work/run.log")"
    grep -q 'extract is submitted' "$work/run.log" || fail "flex: $(tail -n 5 "$work/run.log")"
    step "the template's program built a job of Dataflow"
}

check_training() {
    local container
    container=$(in_store from --pull-never localhost/training)
    same user pmc15m "$(inside "$container" -- id -un)"
    inside "$container" -- pip check
    inside "$container" -- python -m training --help >/dev/null || fail "python -m training"
    inside "$container" -- touch /runs/x
    step "training runs"
}

need
if command -v hadolint >/dev/null; then
    hadolint docker/Dockerfile docker/training.Dockerfile
    step "hadolint finds nothing"
else
    step "no hadolint here: not linted"
fi
make_base
make_stand_ins
step "stand-ins are made$([[ -z ${boot-} ]] || echo ', with Beam'"'"'s own boot')"
for what in "${@:-worker}"; do
    case $what in
    worker)
        build worker docker/Dockerfile --target worker
        check_worker worker pmc15m
        # The rest of the file, on what was just built: buildah would build it all again.
        { echo "ARG LAUNCHER_IMAGE=localhost/launcher"; sed -n '/ AS launcher$/,$s/^FROM worker /FROM localhost\/worker /;/ AS launcher$/,$p' docker/Dockerfile; } >"$work/Dockerfile"
        build dataflow "$work/Dockerfile"
        check_worker dataflow root
        ;;
    training)
        build training docker/training.Dockerfile
        check_training
        ;;
    *) fail "no image $what" ;;
    esac
done
step "done"
