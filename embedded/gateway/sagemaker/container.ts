import { join } from 'node:path';
import { inheritedEnvironment } from '../processes';

/**
 * What a program sees of its surroundings, as in a container: nothing of the person's home or settings.
 * `mlRoot` stands for /opt/ml; its `tmp` is the program's own.
 */
export function containerEnvironment(
  mlRoot: string,
  imageEnvironment: Record<string, string>,
): Record<string, string> {
  return {
    ...inheritedEnvironment(),
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    ...imageEnvironment,
    HOME: join(mlRoot, 'tmp'),
    TMPDIR: join(mlRoot, 'tmp'),
    ML_ROOT: mlRoot,
  };
}
