import { delimiter, join } from 'node:path';
import { inheritedEnvironment } from '../processes';

/**
 * The environment of a Spark job on this machine: only loopback addresses, no web UI, all files in its scratch folder.
 * `conf` is Glue's `--conf` argument: `a=b`, further ones joined with ` --conf `.
 */
export function sparkEnvironment(
  scratch: string,
  python: string,
  modules: readonly string[],
  conf?: string,
): Record<string, string> {
  const settings = [
    'spark.driver.host=127.0.0.1',
    'spark.driver.bindAddress=127.0.0.1',
    // The driver listens on two ports. It generates a secret, without which no other process can use them.
    'spark.authenticate=true',
    'spark.network.crypto.enabled=true',
    'spark.ui.enabled=false',
    'spark.ui.showConsoleProgress=false',
    `spark.sql.warehouse.dir=${join(scratch, 'warehouse')}`,
    ...(conf?.split(/\s+--conf\s+/) ?? []),
  ];
  return {
    ...inheritedEnvironment(),
    TMPDIR: join(scratch, 'tmp'),
    SPARK_LOCAL_IP: '127.0.0.1',
    SPARK_LOCAL_DIRS: join(scratch, 'tmp'),
    PYSPARK_PYTHON: python,
    PYSPARK_SUBMIT_ARGS: [
      ...settings.map((setting) => `--conf ${shellWord(setting)}`),
      'pyspark-shell',
    ].join(' '),
    PYTHONPATH: modules.join(delimiter),
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
  };
}

/** Quotes a word: pyspark splits PYSPARK_SUBMIT_ARGS like a shell. */
const shellWord = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
