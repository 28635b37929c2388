"""Upstream: a Lambda's own plain-http request to this machine goes to the host "127.0.0.1:PORT".

The Node bootstrap turns https requests to this machine into http ones, for custom resources that
answer over https. It does so with requests that name plain http themselves, too, and puts the port
into `host`: a client that sets `host` and no `hostname` (twitter-api-v2 does) then looks up a name
with a colon in it. On AWS nothing stands between a Lambda and the network.
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
