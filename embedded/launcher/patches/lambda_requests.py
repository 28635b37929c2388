"""Upstream: a Lambda's plain-http request to this machine looks up the name "127.0.0.1:PORT".

The Node bootstrap turns https requests to this machine into http ones, for custom resources that
respond over https. It also changes requests that already use plain http, and puts the port into
`host`. A client that sets `host` but not `hostname` (such as twitter-api-v2) then looks up a name
with a colon in it. On AWS nothing changes a Lambda's requests.
"""

from ministack.core import lambda_runtime

EXPECTS = {"core.lambda_runtime:_NODEJS_WORKER_SCRIPT": "4c6fe8a41c8f"}

_DOWNGRADE = '    const advertised = (process.env.MINISTACK_HOST || "").split(":")[0];\n'
_PLAIN = '    if (options.protocol === "http:") return http.request(options, callback);\n'


def apply() -> None:
    script = lambda_runtime._NODEJS_WORKER_SCRIPT
    if script.count(_DOWNGRADE) != 1:
        raise RuntimeError("lambda_requests: the bootstrap's downgrade to http was not found")
    lambda_runtime._NODEJS_WORKER_SCRIPT = script.replace(_DOWNGRADE, _PLAIN + _DOWNGRADE)
