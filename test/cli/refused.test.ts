import { SFNServiceException } from '@aws-sdk/client-sfn';
import { UserError } from '../../session/user-error';
import { describeRefused } from '../../cli/refused';

const answered = (name: string, status: number) =>
  new SFNServiceException({
    name,
    $fault: 'client',
    $metadata: { httpStatusCode: status },
    message: 'User: arn:aws:iam::111122223333:user/ann is not authorized to perform: states:X',
  });

test.each(['AccessDenied', 'AccessDeniedException', '403'])(
  '%s is said with where it stands who may, and without a stack',
  (name) => {
    const said = describeRefused(answered(name, 403)) ?? '';

    expect(said).toContain('user/ann is not authorized to perform: states:X');
    expect(said).toContain('docs/permissions.md');
    expect(said).not.toMatch(/^\s+at /m);
  },
);

test('an error of another kind is none of a permission', () => {
  const others = [
    answered('ExpiredTokenException', 403),
    answered('ThrottlingException', 400),
    new UserError('You may not assume it'),
    new Error('AccessDenied'),
  ];

  expect(others.map(describeRefused)).toEqual([null, null, null, null]);
});
