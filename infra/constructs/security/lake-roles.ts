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
  DataIngestionRole: 'Plans a run, brings tweets from X into raw-data/ and the stream',
  DataProcessingRole: 'Crawls raw-data/, runs the Spark job, publishes cleaned days',
  RunReporterRole: 'Checks the data of a run, reports it, and archives its execution',
  MachineLearningRole: 'Trains: SageMaker runs training jobs as it, and nothing else has it',
  ModelOperatorRole:
    'Starts trainings, evaluates, promotes and scores: the Lambdas that work with models',
  ServingRole: 'Serves: SageMaker runs the endpoint as it; reads model archives and nothing else',
  AnalyticsRole: 'Analysts assume it to ask Athena and to read reports, manifests and histories',
  LabellerRole: 'People who bring labels, corpora and tweets of their own assume it',
};

/** Roles that SageMaker acts under: of training jobs, and of models and endpoints. No Lambda has them. */
const ofSageMaker: readonly RoleName[] = ['MachineLearningRole', 'ServingRole'];

const isOfPeople = (name: RoleName): name is PeopleRoleName =>
  peopleRoleNames.some((known) => known === name);

const isOfFunctions = (name: RoleName): boolean => !isOfPeople(name) && !ofSageMaker.includes(name);

/**
 * The roles that touch the lake's data: of functions and jobs, of people who ask or bring something, and the one of people who make it forget. They
 * carry no permission themselves but to write traces: each resource opens itself to them, beside its definition. No function shares a role with people.
 */
export class LakeRoles extends Construct {
  /**
   * The roles as others use them: CDK adds nothing to these behind our back, so every statement is one
   * that somebody wrote.
   */
  readonly byName: Record<RoleName, iam.IRole>;

  /** Who makes the lake forget tweets; null while the settings name nobody who may. */
  readonly forgetter: iam.IRole | null;

  /** ARNs of all of them, for policies that name them. */
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
    // Here, in the stack before: Lambda asks for it while it creates a function.
    for (const name of roleNames.filter(isOfFunctions))
      allow(roles[name], 'WriteTraces', roles[name], [writeTraces]);
    // The bucket refuses people under their own names: they assume a role to ask questions, or to import labels.
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
      description: 'People who take tweets out of the lake, old versions included, assume it',
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

/** Whom a role of people trusts first: it must trust somebody, and where nobody is named that is the root user, who is no person at work. */
export const firstOf = ([first]: readonly iam.IPrincipal[]): iam.IPrincipal =>
  first ?? rootHimself();

/** The root user alone, and not whoever IAM lets. */
const rootHimself = (): iam.IPrincipal =>
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
    : // Lambda documents no aws:SourceAccount or aws:SourceArn for execution roles: a condition on them
      // would lock it out. What guards the role is iam:PassRole of this account.
      new iam.ServicePrincipal('lambda.amazonaws.com');
}
