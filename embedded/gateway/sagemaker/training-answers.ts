import { seconds } from '../protocol';
import { arnOf } from './names';
import { withoutTags } from './tags';
import type { CreateTrainingJob, TrainingJob } from './training-request';

/** The folder of a job's archives: `<S3OutputPath>/<job>`. */
export function outputFolder(request: CreateTrainingJob): string {
  return `${request.OutputDataConfig.S3OutputPath.replace(/\/+$/, '')}/${request.TrainingJobName}`;
}

export function modelArtifacts(request: CreateTrainingJob): string {
  return `${outputFolder(request)}/output/model.tar.gz`;
}

export function describeTrainingJob(job: TrainingJob): object {
  const trained =
    job.trainingStartedAt &&
    job.endedAt &&
    Math.max(1, Math.ceil((job.endedAt - job.trainingStartedAt) / 1000));
  return {
    ...withoutTags(job.request),
    ...summarizeTrainingJob(job),
    ModelArtifacts: { S3ModelArtifacts: modelArtifacts(job.request) },
    TrainingStartTime: job.trainingStartedAt && seconds(job.trainingStartedAt),
    TrainingTimeInSeconds: trained,
    BillableTimeInSeconds: trained,
    FailureReason: job.failureReason,
    FinalMetricDataList: job.metrics.map(({ at, ...metric }) => ({
      ...metric,
      Timestamp: seconds(at),
    })),
    SecondaryStatusTransitions: job.transitions.map(({ startedAt, endedAt, ...transition }) => ({
      ...transition,
      StartTime: seconds(startedAt),
      EndTime: endedAt && seconds(endedAt),
    })),
  };
}

export function summarizeTrainingJob(job: TrainingJob): object {
  return {
    TrainingJobName: job.request.TrainingJobName,
    TrainingJobArn: arnOf('training-job', job.request.TrainingJobName),
    TrainingJobStatus: job.status,
    SecondaryStatus: job.transitions.at(-1)?.Status,
    CreationTime: seconds(job.createdAt),
    LastModifiedTime: seconds(job.changedAt),
    TrainingEndTime: job.endedAt && seconds(job.endedAt),
  };
}
