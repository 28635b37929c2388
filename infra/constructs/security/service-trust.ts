import { Aws } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { arn } from '../../arns';

/** Services that send the account they act for. Lambda is missing: it documents no such key for execution roles. */
export type ActingService = 'codebuild' | 'events' | 'glue' | 'sagemaker' | 'states';

/**
 * A service principal for this account's resources only: another account's crawler must not use our role.
 *
 * As broad as a first deployment needs. AWS does not document which resource a service sends while it creates
 * something (Glue tries the role of a crawler that does not exist yet), nor whether it sends one, and a condition on a
 * missing key is false. So the condition uses IfExists and no resource name. docs/permissions.md says how to narrow it
 * with CloudTrail's records.
 */
export const actingFor = (service: ActingService): iam.ServicePrincipal =>
  new iam.ServicePrincipal(`${service}.amazonaws.com`, {
    conditions: {
      StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
      ArnLikeIfExists: { 'aws:SourceArn': arn(service, '*') },
    },
  });
