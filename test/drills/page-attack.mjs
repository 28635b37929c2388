/**
 * What a page can do to the address `at`: every request that `fetch`, a form or an image may send.
 * The drill gives this function to a browser as text; it answers what the page saw, one entry for each fetch.
 */
export async function attack(at) {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  const scope = (service) => `000000000000/${day}/us-east-1/${service}/aws4_request`;
  const signed = (service) =>
    `AWS4-HMAC-SHA256 Credential=${scope(service)}, SignedHeaders=host, Signature=${'0'.repeat(64)}`;
  const create =
    '{"FunctionName":"pwn","Runtime":"nodejs20.x","Role":"arn:aws:iam::000000000000:role/x","Handler":"index.handler","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}';
  const requests = [
    [`/2015-03-31/functions?X-Amz-Credential=${scope('lambda')}`, { method: 'POST', body: create }],
    [
      `/2015-03-31/functions?X-Amz-Credential=${scope('lambda')}`,
      { method: 'POST', mode: 'no-cors', body: create },
    ],
    [
      '/2015-03-31/functions',
      { method: 'POST', headers: { authorization: signed('lambda') }, body: create },
    ],
    [
      '/',
      {
        method: 'POST',
        headers: {
          authorization: signed('secretsmanager'),
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': 'secretsmanager.GetSecretValue',
        },
        body: '{"SecretId":"x-token"}',
      },
    ],
    ['/_ministack/reset', { method: 'POST' }],
    ['/_ministack/reset', { method: 'POST', mode: 'no-cors' }],
    ['/_ministack/health', {}],
    ['/_x/2/tweets/search/recent?query=love', { headers: { authorization: 'Bearer x' } }],
    ['/kept', {}],
  ];
  const found = [];
  for (const [path, init] of requests) {
    try {
      const answer = await fetch(at + path, init);
      found.push({ status: answer.status || null, text: await answer.text() });
    } catch (error) {
      found.push({ status: null, text: String(error) });
    }
  }
  // What needs no script's leave to be sent: a form that is posted, and a picture.
  // The page may be XML: the lake's own refusal, under a name that was rebound.
  const element = (name) => document.createElementNS('http://www.w3.org/1999/xhtml', name);
  const frame = element('iframe');
  frame.name = 'out';
  const form = element('form');
  Object.assign(form, { method: 'POST', action: `${at}/_ministack/reset`, target: 'out' });
  document.documentElement.append(frame, form);
  form.submit();
  const image = new Image();
  await Promise.race([
    new Promise((done) => {
      image.onerror = image.onload = done;
      image.src = `${at}/_ministack/health`;
    }),
    new Promise((done) => setTimeout(done, 3000)),
  ]);
  await new Promise((done) => setTimeout(done, 500));
  return found;
}
