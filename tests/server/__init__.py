"""A test server that is the PMC Cloud Service and the E-utilities on loopback, and misbehaves on request.

Articles are made on the fly from `pmc15m.synth`; what is served is a function of the configuration
and the day. `python -m tests.server --help` lists the options, `running_server` runs one for a test.
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
