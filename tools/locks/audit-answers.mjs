/**
 * The answer of one registry about our packages. `findings` are `{ name, id, severity, what }`. `unanswered` is the
 * reason if the registry did not answer, or not about all packages. Without both, the packages are clean.
 */

/** Parses the output of `npm audit --json`. A registry without advisories returns an error instead of a report. */
export function npmAnswer(output) {
  let report;
  try {
    report = JSON.parse(output);
  } catch {
    return { findings: [], unanswered: 'npm audit printed no report' };
  }
  if (!report.vulnerabilities || !report.metadata)
    return { findings: [], unanswered: report.message ?? report.error?.summary ?? 'no report' };
  const advisories = Object.values(report.vulnerabilities).flatMap(({ via }) =>
    // A string is the name of another affected package, which has its own entry.
    via.filter((cause) => typeof cause === 'object'),
  );
  const findings = advisories.map(({ name, url, source, severity, title }) => ({
    name,
    id: /GHSA-[\w-]+$/.exec(url ?? '')?.[0] ?? String(source),
    severity,
    what: title,
  }));
  return { findings: [...new Map(findings.map((found) => [found.id, found])).values()] };
}

/** Parses the output of `pip-audit --format json`. It has no severities, so each finding counts as high. */
export function pipAnswer(output) {
  let report;
  try {
    report = JSON.parse(output);
  } catch {
    return { findings: [], unanswered: 'pip-audit printed no report' };
  }
  const findings = report.dependencies.flatMap(({ name, version, vulns = [] }) =>
    vulns.map(({ id, aliases = [], fix_versions: fixes = [] }) => ({
      name,
      id,
      aliases,
      severity: 'high',
      what: `${version}; fixed in ${fixes.join(', ') || 'no version yet'}`,
    })),
  );
  // pip-audit skips a package that the registry does not know, without an error.
  const skipped = report.dependencies.filter((dependency) => dependency.skip_reason);
  if (report.dependencies.length === 0) return { findings, unanswered: 'no package was checked' };
  if (skipped.length === 0) return { findings };
  const which =
    skipped.length === report.dependencies.length
      ? 'any package'
      : `${skipped.length} of ${report.dependencies.length} packages (${skipped.map(({ name }) => name).join(', ')})`;
  return { findings, unanswered: `no answer about ${which}: ${skipped[0].skip_reason}` };
}

const isBad = ({ severity }) => severity === 'high' || severity === 'critical';

/**
 * The findings that fail the audit: high and critical ones of packages that run the lake, except those that
 * `ignored` lists with a reason and an end date in the future. `today` is YYYY-MM-DD.
 */
export function standing({ findings, runtime }, ignored, today) {
  const isIgnored = ({ id, aliases = [] }) =>
    ignored.some((entry) => [id, ...aliases].includes(entry.id) && entry.until >= today);
  return runtime ? findings.filter((found) => isBad(found) && !isIgnored(found)) : [];
}
