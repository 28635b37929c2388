import { Aws } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { arn } from '../../arns';

/** Services that say for which account they act. Lambda documents that for no execution role, so it is not among them. */
export type ActingService = 'codebuild' | 'events' | 'glue' | 'sagemaker' | 'states';

/**
 * A service, for resources of this account and region only: somebody else's crawler must not act under our role.
 *
 * As broad as a first deployment needs it. AWS lists neither the resources that a service names while it creates
 * something (Glue tries the role of a crawler that is not there yet) nor whether it names one at all, and a condition
 * on a key that is not sent is false: IfExists, and no resource by name. docs/permissions.md says how to narrow it
 * by what CloudTrail saw.
 */
export const actingFor = (service: ActingService): iam.ServicePrincipal =>
  new iam.ServicePrincipal(`${service}.amazonaws.com`, {
    conditions: {
      StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
      ArnLikeIfExists: { 'aws:SourceArn': arn(service, '*') },
    },
  });
