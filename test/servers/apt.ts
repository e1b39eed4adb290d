import { run } from './process.js';

/**
 * Installs packages of Debian's or Ubuntu's, as root. `flags` are further ones of `apt-get install`.
 *
 * @throws {Error} where the user is not root, or there is no apt-get
 */
export async function aptInstall(packages: readonly string[], flags: readonly string[] = []): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error(`Only root can install ${packages.join(', ')}.`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env });
  await run('apt-get', ['install', '-y', '-qq', ...flags, ...packages], { env });
}
