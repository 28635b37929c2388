import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { rootArn } from '../../arns';
import type { EnvironmentName, People, Settings } from '../../config';
import { forgetterRoleName, lakeName, peopleRoleNames, perRole, roleNames } from '../../naming';
import type { PeopleRoleName, RoleName } from '../../naming';
import { allow, writeTraces } from './grants';
import { actingFor } from './service-trust';

export interface LakeRolesProps {
  readonly environment: EnvironmentName;
  readonly people: Settings['people'];
}

const descriptions: Record<RoleName, string> = {
  DataIngestionRole: 'Plans a run, writes tweets from X to raw-data/ and the stream',
  DataProcessingRole: 'Crawls raw-data/, runs the Spark job, publishes cleaned days',
  RunReporterRole: 'Checks the data of a run, reports it, and archives its execution',
  MachineLearningRole: 'Only for SageMaker training jobs',
  ModelOperatorRole: 'For the Lambdas that start trainings, evaluate, promote and score',
  ServingRole: 'For the SageMaker endpoint; reads model archives and nothing else',
  AnalyticsRole: 'For analysts: queries Athena and reads reports, manifests and histories',
  LabellerRole: 'For people who import labels, corpora and tweets',
};

/** The roles of SageMaker's training jobs, models and endpoints. No Lambda has them. */
const ofSageMaker: readonly RoleName[] = ['MachineLearningRole', 'ServingRole'];

const isOfPeople = (name: RoleName): name is PeopleRoleName =>
  peopleRoleNames.some((known) => known === name);

const isOfFunctions = (name: RoleName): boolean => !isOfPeople(name) && !ofSageMaker.includes(name);

/**
 * The roles that access the lake's data: of functions and jobs, of people who query or import, and of people who
 * erase. Their only own permission is to write traces: each resource grants access beside its definition. No function
 * shares a role with people.
 */
export class LakeRoles extends Construct {
  /**
   * The roles for use by other constructs. CDK cannot add statements to them, so every statement is written in our
   * code.
   */
  readonly byName: Record<RoleName, iam.IRole>;

  /** The role for erasing tweets; null when the settings allow nobody to erase. */
  readonly forgetter: iam.IRole | null;

  /** The ARNs of all roles, for policies that name them. */
  readonly arns: string[];

  constructor(scope: Construct, id: string, props: LakeRolesProps) {
    super(scope, id);
    const people: Record<PeopleRoleName, iam.IPrincipal[]> = {
      AnalyticsRole: principals(props.people.analysts),
      LabellerRole: principals(props.people.labellers),
    };
    const roles = perRole(
      (name) =>
        new iam.Role(this, name, {
          roleName: lakeName(props.environment, name),
          description: descriptions[name],
          assumedBy: isOfPeople(name) ? firstOf(people[name]) : serviceBehind(name),
        }),
    );
    trust(roles.DataProcessingRole, actingFor('glue'));
    // In this stack, which is deployed first: Lambda checks this when it creates a function.
    for (const name of roleNames.filter(isOfFunctions))
      allow(roles[name], 'WriteTraces', roles[name], [writeTraces]);
    // The bucket denies people under their own names: they assume a role to query or to import.
    for (const name of peopleRoleNames)
      for (const person of people[name].slice(1)) trust(roles[name], person);
    this.byName = perRole((name) => roles[name].withoutPolicyUpdates());
    this.forgetter = this.makeForgetter(props);
    this.arns = [
      ...roleNames.map((name) => roles[name].roleArn),
      ...(this.forgetter === null ? [] : [this.forgetter.roleArn]),
    ];
  }

  private makeForgetter({ environment, people }: LakeRolesProps): iam.IRole | null {
    const [first, ...others] = principals(people.forgetters);
    if (first === undefined) return null;
    const role = new iam.Role(this, forgetterRoleName, {
      roleName: lakeName(environment, forgetterRoleName),
      description: 'For people who erase tweets from the lake, including old versions',
      assumedBy: first,
    });
    for (const person of others) trust(role, person);
    return role.withoutPolicyUpdates();
  }
}

export const principals = (people: People): iam.IPrincipal[] =>
  people === 'account'
    ? [new iam.AccountRootPrincipal()]
    : people.map((person) => new iam.ArnPrincipal(person));

/** The first principal that a role trusts. A role must trust somebody: the root user when the settings name nobody. */
export const firstOf = ([first]: readonly iam.IPrincipal[]): iam.IPrincipal =>
  first ?? accountRoot();

/** Only the root user, not everyone in the account whom IAM allows. */
const accountRoot = (): iam.IPrincipal =>
  new iam.PrincipalWithConditions(new iam.AccountRootPrincipal(), {
    ArnEquals: { 'aws:PrincipalArn': rootArn },
  });

export function trust(role: iam.Role, principal: iam.IPrincipal): void {
  role.assumeRolePolicy?.addStatements(
    new iam.PolicyStatement({ actions: ['sts:AssumeRole'], principals: [principal] }),
  );
}

function serviceBehind(name: RoleName): iam.IPrincipal {
  return ofSageMaker.includes(name)
    ? actingFor('sagemaker')
    : // Lambda does not document aws:SourceAccount or aws:SourceArn for execution roles, so a condition on
      // them could lock it out. iam:PassRole in this account protects the role.
      new iam.ServicePrincipal('lambda.amazonaws.com');
}
