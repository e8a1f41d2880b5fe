"""A test server that is the PMC Cloud Service and the E-utilities on loopback, and misbehaves on request.

Articles are made on the fly from `pmc15m.synth`; what is served is a function of the configuration
and the day. `python -m tests.server --help` lists the options, `running_server` runs one for a test:

    config = ServerConfig(articles=50, fault_map={"PMC80000003.1/*.jpg": "short_body@2"})
    with running_server(config) as server:
        fetch(server.url)
        assert server.counters().faults == {"short_body": 2}

Patterns of the fault map, the first that fits, are those of fnmatch; the keys of requests for no object are
"list:PREFIX", "eutils:esearch", "eutils:efetch" and "eutils:idconv". `Collection(config)` tells a test what
is served, without a server.

Real behaviour: pmc_sources.md, section 6; faults: the matrix of studies/reliability.md, section 3.
"""

from tests.server.collection import Collection
from tests.server.config import ServerConfig
from tests.server.faults import Fault
from tests.server.running import Counters, Record, Server, ServerError, running_server
from tests.server.variants import Variant, odd_name

__all__ = [
    "Collection",
    "Counters",
    "Fault",
    "Record",
    "Server",
    "ServerConfig",
    "ServerError",
    "Variant",
    "odd_name",
    "running_server",
]
