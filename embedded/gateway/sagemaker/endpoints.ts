import { z } from 'zod';
import { lenient } from '../../../workflows/durable';
import type { Context } from '../context';
import type { Caller } from '../protocol';
import { messageOf, seconds } from '../protocol';
import type { Operation } from '../protocol';
import type { StateFile } from '../state';
import type { EndpointConfigs, Variant } from './endpoint-configs';
import { listed, ListInput } from './lists';
import type { Models } from './models';
import { arnOf, invalid, Name, sageMakerOperation, Tags, volumeGrant } from './names';
import { startServer } from './serving';
import type { Server } from './serving';
import type { TagStore } from './tags';

const EndpointState = lenient(
  z.object({
    name: Name,
    status: z.enum(['Creating', 'Updating', 'InService', 'Deleting', 'Failed']),
    /** The config in service; for an endpoint that was never in service, the one it was created with. */
    config: Name,
    /** The config that is being deployed. */
    pending: lenient(z.object({ config: Name, startedAt: z.number() })).optional(),
    failureReason: z.string().optional(),
    createdAt: z.number(),
    changedAt: z.number(),
  }),
);
type EndpointState = z.infer<typeof EndpointState>;

const ByName = z.looseObject({ EndpointName: Name });
const WithConfig = z.looseObject({
  EndpointName: Name,
  EndpointConfigName: Name,
  Tags: Tags.optional(),
});

/** Endpoints. Each has one serving process, which an update replaces blue/green. */
export class Endpoints {
  private readonly state: StateFile<z.ZodArray<typeof EndpointState>>;
  /** Serving processes, also starting ones, by endpoint. */
  private readonly servers = new Map<string, Promise<Server>>();
  private readonly work = new Set<Promise<void>>();
  private closing = false;

  constructor(
    private readonly context: Context,
    private readonly tags: TagStore,
    private readonly models: Models,
    private readonly configs: EndpointConfigs,
  ) {
    this.state = context.state('endpoints', z.array(EndpointState), []);
  }

  readonly operations: Record<string, Operation> = {
    CreateEndpoint: sageMakerOperation(WithConfig, async (input, caller) => {
      const { arn, config } = await this.authorizeChange(caller, 'sagemaker:CreateEndpoint', input);
      await this.tags.add(caller, arn, input.Tags);
      if (this.find(input.EndpointName))
        throw invalid(`Cannot create already existing endpoint "${arn}".`);
      const now = Date.now();
      const endpoint: EndpointState = {
        name: input.EndpointName,
        status: 'Creating',
        config,
        createdAt: now,
        changedAt: now,
      };
      this.state.value.unshift(endpoint);
      this.deploy(endpoint, config);
      return { EndpointArn: arn };
    }),
    UpdateEndpoint: sageMakerOperation(WithConfig, async (input, caller) => {
      const { arn, config } = await this.authorizeChange(caller, 'sagemaker:UpdateEndpoint', input);
      const endpoint = this.get(input.EndpointName);
      if (endpoint.status !== 'InService')
        throw invalid(`Cannot update endpoint "${arn}" in status ${endpoint.status}.`);
      endpoint.status = 'Updating';
      this.deploy(endpoint, config);
      return { EndpointArn: arn };
    }),
    DescribeEndpoint: sageMakerOperation(ByName, async ({ EndpointName }, caller) => {
      const arn = arnOf('endpoint', EndpointName);
      await this.context.iam.authorize(caller, 'sagemaker:DescribeEndpoint', arn);
      return this.describe(this.get(EndpointName));
    }),
    DeleteEndpoint: sageMakerOperation(ByName, async ({ EndpointName }, caller) => {
      const arn = arnOf('endpoint', EndpointName);
      await this.context.iam.authorize(caller, 'sagemaker:DeleteEndpoint', arn);
      const endpoint = this.get(EndpointName);
      if (endpoint.status !== 'InService' && endpoint.status !== 'Failed') {
        throw invalid(`Cannot delete endpoint "${arn}" in status ${endpoint.status}.`);
      }
      this.change(endpoint, { status: 'Deleting' });
      this.inBackground(this.remove(endpoint, arn));
      return {};
    }),
    ListEndpoints: sageMakerOperation(ListInput, async (input, caller) => {
      await this.context.iam.authorize(caller, 'sagemaker:ListEndpoints', '*');
      const { items, ...next } = listed(this.state.value, input);
      return { Endpoints: items.map(summarize), ...next };
    }),
  };

  /**
   * Resumes after a restart: starts the programs of endpoints in service, and continues interrupted deployments and
   * deletions.
   */
  resume(): void {
    for (const endpoint of [...this.state.value]) {
      if (endpoint.status === 'Deleting')
        this.inBackground(this.remove(endpoint, arnOf('endpoint', endpoint.name)));
      else if (endpoint.pending) this.deploy(endpoint, endpoint.pending.config);
      else if (endpoint.status === 'InService') {
        this.serverOf(endpoint).catch((error: unknown) =>
          this.context.log(`endpoint ${endpoint.name}: ${messageOf(error)}`),
        );
      }
    }
  }

  /**
   * The serving program of an endpoint; starts it again if it has ended.
   * Undefined when no such endpoint is in service. Throws when the program cannot be started.
   */
  async serving(name: string): Promise<Server | undefined> {
    const endpoint = this.find(name);
    if (!endpoint || !inService(endpoint)) return undefined;
    return this.serverOf(endpoint);
  }

  /** Ends all serving processes. The endpoints' state stays for the next start. */
  async close(): Promise<void> {
    this.closing = true;
    await Promise.all([...this.servers.values()].map(stopServer));
    await Promise.all(this.work);
  }

  private async authorizeChange(caller: Caller, action: string, input: z.infer<typeof WithConfig>) {
    const arn = arnOf('endpoint', input.EndpointName);
    const config = input.EndpointConfigName;
    await this.context.iam.authorize(caller, action, arn);
    // On AWS both actions are checked on the endpoint and on the config.
    await this.context.iam.authorize(caller, action, arnOf('endpoint-config', config));
    const key = this.configs.volumeKey(config);
    if (key !== undefined) await this.context.iam.grant(volumeGrant(key), caller);
    return { arn, config };
  }

  private async serverOf(endpoint: EndpointState): Promise<Server> {
    const current = this.servers.get(endpoint.name);
    if (current && (await current).alive()) return current;
    // Two requests may have found the same dead program. Only the first one starts a new program.
    const newest = this.servers.get(endpoint.name);
    return newest && newest !== current ? newest : this.startAnew(endpoint);
  }

  private startAnew(endpoint: EndpointState): Promise<Server> {
    const server = this.launch(endpoint.name, endpoint.config);
    this.servers.set(endpoint.name, server);
    server.catch(() => {
      if (this.servers.get(endpoint.name) === server) this.servers.delete(endpoint.name);
    });
    return server;
  }

  private async launch(name: string, config: string): Promise<Server> {
    const variant = this.configs.variant(config);
    return startServer(this.context, name, variant.VariantName, this.models.get(variant.ModelName));
  }

  /** Starts the config's program beside the current one, and switches when it answers. */
  private deploy(endpoint: EndpointState, config: string): void {
    this.change(endpoint, { pending: { config, startedAt: Date.now() }, failureReason: undefined });
    this.inBackground(this.replace(endpoint, config));
  }

  private async replace(endpoint: EndpointState, config: string): Promise<void> {
    let green: Server;
    try {
      green = await this.launch(endpoint.name, config);
    } catch (error) {
      // `close` interrupted the deployment. The next start continues it.
      if (this.closing) return;
      const failureReason = messageOf(error).slice(0, 1024);
      // A failed update does not fail the endpoint: the old config stays in service, as in SageMaker's rollback.
      this.change(endpoint, {
        status: endpoint.status === 'Creating' ? 'Failed' : 'InService',
        pending: undefined,
        failureReason,
      });
      return;
    }
    if (this.closing) {
      await green.stop();
      return;
    }
    const blue = this.servers.get(endpoint.name);
    this.servers.set(endpoint.name, Promise.resolve(green));
    this.change(endpoint, { status: 'InService', config, pending: undefined });
    if (blue) await stopServer(blue);
  }

  private async remove(endpoint: EndpointState, arn: string): Promise<void> {
    const server = this.servers.get(endpoint.name);
    this.servers.delete(endpoint.name);
    if (server) await stopServer(server);
    const place = this.state.value.indexOf(endpoint);
    if (place >= 0) this.state.value.splice(place, 1);
    this.state.save();
    this.tags.forget(arn);
  }

  private inBackground(task: Promise<void>): void {
    const work = task.finally(() => this.work.delete(work));
    this.work.add(work);
  }

  private change(endpoint: EndpointState, change: Partial<EndpointState>): void {
    Object.assign(endpoint, change, { changedAt: Date.now() });
    this.state.save();
  }

  private find(name: string): EndpointState | undefined {
    return this.state.value.find((endpoint) => endpoint.name === name);
  }

  private get(name: string): EndpointState {
    const endpoint = this.find(name);
    if (!endpoint) throw invalid(`Could not find endpoint "${arnOf('endpoint', name)}".`);
    return endpoint;
  }

  private describe(endpoint: EndpointState): object {
    const { pending } = endpoint;
    return {
      ...summarize(endpoint),
      EndpointConfigName: endpoint.config,
      ProductionVariants: inService(endpoint) ? this.variants(endpoint.config) : undefined,
      PendingDeploymentSummary: pending && {
        EndpointConfigName: pending.config,
        ProductionVariants: this.variants(pending.config),
        StartTime: seconds(pending.startedAt),
      },
      FailureReason: endpoint.failureReason,
    };
  }

  /** The config's variants; empty when it was deleted in the meantime, which AWS allows. */
  private variants(config: string): object[] {
    try {
      const variant = this.configs.variant(config);
      const model = this.models.find(variant.ModelName);
      return [describeVariant(variant, model?.request.PrimaryContainer.Image)];
    } catch {
      return [];
    }
  }
}

/** Stops a serving process once it has started; one that did not start has already ended. */
const stopServer = (server: Promise<Server>): Promise<void> =>
  server.then(
    (started) => started.stop(),
    () => undefined,
  );

/** Whether an endpoint serves, which it also does during an update. */
const inService = (endpoint: EndpointState) =>
  endpoint.status === 'InService' || endpoint.status === 'Updating';

function summarize(endpoint: EndpointState): object {
  return {
    EndpointName: endpoint.name,
    EndpointArn: arnOf('endpoint', endpoint.name),
    EndpointStatus: endpoint.status,
    CreationTime: seconds(endpoint.createdAt),
    LastModifiedTime: seconds(endpoint.changedAt),
  };
}

function describeVariant(variant: Variant, image: string | undefined): object {
  const weight = variant.InitialVariantWeight ?? 1;
  const capacity = variant.ServerlessConfig
    ? { CurrentServerlessConfig: variant.ServerlessConfig }
    : {
        CurrentInstanceCount: variant.InitialInstanceCount,
        DesiredInstanceCount: variant.InitialInstanceCount,
      };
  return {
    VariantName: variant.VariantName,
    DeployedImages: image ? [{ SpecifiedImage: image, ResolvedImage: image }] : [],
    CurrentWeight: weight,
    DesiredWeight: weight,
    ...capacity,
  };
}
