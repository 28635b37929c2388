import type { Opinions as Answer } from '../contract';
import { ask } from './ask';
import { count, percent, Quoted, Shown, Table, useAsked } from './parts';
import { inTurn } from './turns';

/** Examples of what people, the lexicon and the model say of the same tweets. */
export function Opinions() {
  const asked = useAsked((signal) => inTurn(() => ask<Answer>('/api/opinions', signal)), []);
  return (
    <>
      <h2>Three opinions</h2>
      <Shown asked={asked} what="the opinions">
        {({ opinions, compared }) =>
          opinions.length === 0 ? (
            <p>
              No tweet has all three yet: a label by a person, the lexicon&apos;s and a
              model&apos;s.
            </p>
          ) : (
            <>
              <p class="quiet">
                Examples from {count(compared)} of the newest tweets, those that people rated: the
                model right where the lexicon is not, all of one opinion, and the model wrong.
              </p>
              <Table
                about="Tweets with the labels of people, lexicon and model"
                rows={opinions}
                columns={[
                  { name: 'tweet', of: ({ text }) => <Quoted text={text} /> },
                  { name: 'people', of: ({ human }) => human },
                  {
                    name: 'lexicon',
                    of: ({ lexicon, human }) => (
                      <Said label={lexicon} isRight={lexicon === human} />
                    ),
                  },
                  {
                    name: 'model',
                    of: ({ model, human, confidence }) => (
                      <Said label={model} isRight={model === human} confidence={confidence} />
                    ),
                  },
                ]}
              />
            </>
          )
        }
      </Shown>
    </>
  );
}

const Said = ({
  label,
  isRight,
  confidence,
}: {
  label: string;
  isRight: boolean;
  confidence?: number;
}) => (
  <span class={isRight ? undefined : 'wrong'}>
    {label}
    {confidence !== undefined && ` (${percent(confidence)})`}
    {!isRight && ', people disagree'}
  </span>
);
