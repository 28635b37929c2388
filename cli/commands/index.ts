import backfill from './backfill';
import consolePage from './console';
import deploy from './deploy';
import destroy from './destroy';
import forget from './forget';
import grantForce from './grant-force';
import history from './history';
import importLabels from './import-labels';
import importTweets from './import-tweets';
import label from './label';
import models from './models';
import predict from './predict';
import pretrain from './pretrain';
import query from './query';
import redrive from './redrive';
import rehearse from './rehearse';
import replay from './replay';
import reproduce from './reproduce';
import retrain from './retrain';
import rollback from './rollback';
import run from './run';
import sql from './sql';
import start from './start';
import up from './up';
import verify from './verify';
import watch from './watch';

/** Every command, in the order of `--help`; each is one file of this folder. */
export const commands = [
  ...[start, up, run, retrain, redrive, backfill, replay],
  ...[consolePage, history, query, sql, predict, watch],
  ...[label, importLabels, importTweets, forget],
  ...[models, rollback, pretrain, grantForce, reproduce],
  ...[deploy, verify, destroy, rehearse],
] as const;

export type CommandName = (typeof commands)[number]['name'];
