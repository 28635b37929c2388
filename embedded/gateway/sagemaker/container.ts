import { join } from 'node:path';
import { inheritedEnvironment } from '../processes';

/**
 * A program's environment variables, as in a container: without the user's home or settings.
 * `mlRoot` replaces /opt/ml; its `tmp` belongs to the program.
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
