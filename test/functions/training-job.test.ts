import { S3Client } from '@aws-sdk/client-s3';
import { trainingJob } from '../../functions/model/training-job';
import { settingsFor } from '../../infra/config';

const lake = { s3: new S3Client({ region: 'us-east-1' }), bucket: 'lake' };

const jobWith = (training: Partial<ReturnType<typeof settingsFor>['training']>) =>
  trainingJob(lake, {
    jobName: 'sl-20261124-abc',
    roleArn: 'role',
    keyArn: 'key',
    image: 'training:1',
    tags: [],
    settings: { ...settingsFor('dev').training, ...training },
    hyperparameters: {},
    hasTweets: false,
    championUri: null,
    encoder: null,
  });

test('a spot training waits for capacity, and longer than it may run', () => {
  const job = jobWith({ spot: true, maxSeconds: 3600, maxWaitSeconds: 60 });

  expect(job.EnableManagedSpotTraining).toBe(true);
  expect(job.StoppingCondition).toEqual({ MaxRuntimeInSeconds: 3600, MaxWaitTimeInSeconds: 3600 });
});

test('without spot nothing is said of it: SageMaker refuses a wait there', () => {
  const job = jobWith({ spot: false });

  expect(job).not.toHaveProperty('EnableManagedSpotTraining');
  expect(job.StoppingCondition).toEqual({ MaxRuntimeInSeconds: 3600 });
});
