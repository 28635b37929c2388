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
  CrawlStarterRole: 'Starts the crawler and looks at it; reads none of what it crawls',
  EndpointUpdaterRole: 'Puts a trained model behind the endpoint; can neither read nor ask it',
};

/**
 * Roles of the functions that start a job and look at it. The bucket's policy refuses them, and so does the
 * key for data: the job acts under one of the lake's roles.
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
      // Without a source condition for the reason that infra/constructs/security/lake-roles.ts gives.
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    });
    // Beneath the role: CDK makes a function wait for its role and all beneath it.
    allow(role, 'WriteTraces', role, [writeTraces]);
    return role.withoutPolicyUpdates();
  }
}
