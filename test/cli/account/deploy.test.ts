import { mustStayChangeable } from '../../../cli/account/deploy';

const administrator = { caller: 'arn:aws:sts::111122223333:assumed-role/Administrator/me' };
const root = { caller: 'arn:aws:iam::111122223333:root' };
const asCaller = { context: ['deployAs=caller'] };

test('nobody deploys as themselves what they could not change afterwards, but root', () => {
  expect(() => mustStayChangeable(administrator, asCaller)).toThrow(/cdk bootstrap/);
  expect(() => mustStayChangeable(root, asCaller)).not.toThrow();
  expect(() => mustStayChangeable(administrator, { context: [] })).not.toThrow();
});
