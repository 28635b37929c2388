import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { EnvironmentName } from '../../config';
import { lakeName } from '../../naming';
import type { StarterRoleName } from '../../naming';
import { allow, writeTraces } from './grants';

export interface StarterRolesProps {
  readonly environment: EnvironmentName;
}

const descriptions: Record<StarterRoleName, string> = {
  CrawlStarterRole: 'Starts and polls the crawler; cannot read the crawled data',
  EndpointUpdaterRole: 'Puts a trained model behind the endpoint; can neither read nor call it',
};

/**
 * Roles of the functions that start and poll a job. The bucket's policy and the key deny them the data: the job itself
 * runs with one of the lake's roles.
 */
export class StarterRoles extends Construct {
  readonly byName: Record<StarterRoleName, iam.IRole>;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: StarterRolesProps,
  ) {
    super(scope, id);
    this.byName = {
      CrawlStarterRole: this.role('CrawlStarterRole'),
      EndpointUpdaterRole: this.role('EndpointUpdaterRole'),
    };
  }

  private role(name: StarterRoleName): iam.IRole {
    const role = new iam.Role(this, name, {
      roleName: lakeName(this.props.environment, name),
      description: descriptions[name],
      // No source condition; infra/constructs/security/lake-roles.ts gives the reason.
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    });
    // A child of the role, because CDK makes a function depend on its role and the role's children.
    allow(role, 'WriteTraces', role, [writeTraces]);
    return role.withoutPolicyUpdates();
  }
}
