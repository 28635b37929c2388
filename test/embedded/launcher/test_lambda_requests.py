"""patches/lambda_requests.py: a Lambda reaches a plain-http server of this machine."""

import json

from launching import Launcher, function, role

# As twitter-api-v2 asks: https.request with an http agent, `host` and `port`, no `hostname`.
SOURCE = """
const http = require('http');
const https = require('https');
exports.handler = ({ port }) => new Promise((resolve) => {
  https.request(
    { protocol: 'http:', host: '127.0.0.1', port, path: '/_lake/health', agent: new http.Agent() },
    (answer) => { answer.resume(); resolve({ status: answer.statusCode }); },
  ).on('error', (error) => resolve({ error: error.message })).end();
});
"""


def test_a_request_that_names_plain_http_reaches_its_host(launcher: Launcher):
    function(launcher, "requests", SOURCE, role(launcher, "requests-fn"))

    answer = launcher.client("lambda").invoke(
        FunctionName="requests", Payload=json.dumps({"port": launcher.port})
    )

    # It got there, and the launcher answers nobody but its gateway.
    assert json.loads(answer["Payload"].read()) == {"status": 403}
