import type { Behaviour, Evaluation } from '../../workflows/evaluation';
import type { FunctionSettings } from '../settings/settings';
import { rule } from './rule';
import type { Rule } from './rule';

type Group = Behaviour['groups'][number];
type Limits = Pick<FunctionSettings['evaluation'], 'behaviourTolerance'>;

/** The rules of the behavioural tests. docs/model.md says why these two. */
export function behaviourRules(
  { behaviour, champion, lexicon, level }: Evaluation,
  limits: Limits,
): Rule[] {
  if (behaviour === undefined) {
    return [
      rule(
        false,
        'Behaviour: not tested, an older release trained this model. Start a new execution with {"mode":"retrain"}',
      ),
    ];
  }
  const { groups } = behaviour;
  return [
    reachesLexicon(groups, limits, lexicon.name),
    ...(champion === null ? [] : [notWorseThanChampion(groups, level, champion.version)]),
  ];
}

/** Fewest sentences of a group by which a model reaches the lexicon. */
const floorOf = ({ passed, sentences }: Group, { behaviourTolerance }: Limits): number =>
  // 54 − 0.05 · 60 is a little more than 51 in floating point.
  Math.max(0, Math.ceil(passed.lexicon - behaviourTolerance * sentences - 1e-9));

const isShort = (group: Group, limits: Limits): boolean =>
  group.passed.candidate < floorOf(group, limits);

/** Whether the champion has reached the lexicon, so that no model after it may fall behind again. */
const isBinding = (group: Group, limits: Limits): boolean =>
  group.passed.champion !== null && group.passed.champion >= floorOf(group, limits);

function reachesLexicon(groups: readonly Group[], limits: Limits, lexicon: string): Rule {
  const binding = groups.filter((group) => isBinding(group, limits));
  const lost = binding.filter((group) => isShort(group, limits));
  const counts = groups.map(
    ({ name, passed, sentences }) =>
      `${name} ${passed.candidate} of ${sentences} against ${passed.lexicon}`,
  );
  const list = (some: readonly Group[], count: (group: Group) => number): string =>
    some.map((group) => `${group.name} ${count(group)}`).join(', ');
  return rule(
    lost.length === 0,
    `Behaviour, sentences passed against the lexicon (${lexicon}): ${counts.join(', ')}`,
    lost.length > 0
      ? {
          needed: `at least ${list(lost, (group) => floorOf(group, limits))}, as the champion has`,
          seen: list(lost, ({ passed }) => passed.candidate),
        }
      : binding.length > 0
        ? { needed: `at least ${list(binding, (group) => floorOf(group, limits))}`, seen: 'that' }
        : { needed: 'nothing, no champion has reached the lexicon', seen: 'the above' },
  );
}

/** A remark for the groups in which no model has reached the lexicon yet; null if there are none. */
export function shortOfLexicon({ behaviour }: Evaluation, limits: Limits): string | null {
  const short = (behaviour?.groups ?? []).filter(
    (group) => isShort(group, limits) && !isBinding(group, limits),
  );
  const list = short.map(
    (group) =>
      `${group.name} ${group.passed.candidate} of ${group.sentences} (needed: at least ${floorOf(group, limits)})`,
  );
  return short.length === 0
    ? null
    : `Behaviour, short of the lexicon: ${list.join(', ')}. No model in service reaches it there, so this refuses none`;
}

/** Probability of at least `worse` of `better + worse` templates being the worse ones, if each is so by a coin's toss. */
export function chanceOf({ better, worse }: { better: number; worse: number }): number {
  const tosses = better + worse;
  let ways = 1;
  let sum = 0;
  for (let heads = tosses; heads >= worse; heads -= 1) {
    sum += ways;
    ways = (ways * heads) / (tosses - heads + 1);
  }
  return sum / 2 ** tosses;
}

/**
 * An exact sign test over the templates of each group: the sentences of a template are too alike to count one by one.
 * The groups share the chance of the level, so that all together refuse a model that is as good once in 1 / (1 − level).
 */
function notWorseThanChampion(groups: readonly Group[], level: number, champion: string): Rule {
  const limit = (1 - level) / groups.length;
  const compared = groups.flatMap(({ name, against_champion: counts }) =>
    counts === null ? [] : [{ name, ...counts, chance: chanceOf(counts) }],
  );
  const worse = compared.filter(({ chance }) => chance <= limit);
  const counts = (some: typeof compared): string =>
    some.map((one) => `${one.name} +${one.better} −${one.worse}`).join(', ');
  const chances = worse.map(({ name, chance }) => `${name} ${percent(chance)}`).join(', ');
  return rule(
    worse.length === 0,
    `Behaviour, templates better and worse than the champion's (${champion}): ${counts(compared)}`,
    {
      needed: `a chance of more than ${percent(limit)} in each group, by the sign test`,
      seen: worse.length === 0 ? `at least ${percent(smallest(compared))}` : chances,
    },
  );
}

const smallest = (some: readonly { chance: number }[]): number =>
  Math.min(1, ...some.map(({ chance }) => chance));

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
