/**
 * What one source says of the packages it was asked about. `findings` are `{ name, id, severity, what }`;
 * `unanswered` says why nothing, or not all, is known. No findings and no `unanswered` is clean.
 */

/** npm's `audit --json`. A registry that knows no advisories answers an error in place of a report. */
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
    // A name instead is a package that is affected through another one, which is listed itself.
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

/** pip-audit's `--format json`. It rates nothing, so each finding counts as high. */
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
  // pip-audit passes over a package that the registry does not know, and is content.
  const skipped = report.dependencies.filter((dependency) => dependency.skip_reason);
  if (report.dependencies.length === 0)
    return { findings, unanswered: 'no package was asked about' };
  if (skipped.length === 0) return { findings };
  const which =
    skipped.length === report.dependencies.length
      ? 'any package'
      : `${skipped.length} of ${report.dependencies.length} packages (${skipped.map(({ name }) => name).join(', ')})`;
  return { findings, unanswered: `no answer about ${which}: ${skipped[0].skip_reason}` };
}

const isBad = ({ severity }) => severity === 'high' || severity === 'critical';

/**
 * The findings that must not stand: high and critical ones of packages that run the lake, but for those that
 * `ignored` names with a reason until a day that has not come. `today` is YYYY-MM-DD.
 */
export function standing({ findings, runtime }, ignored, today) {
  const isIgnored = ({ id, aliases = [] }) =>
    ignored.some((entry) => [id, ...aliases].includes(entry.id) && entry.until >= today);
  return runtime ? findings.filter((found) => isBad(found) && !isIgnored(found)) : [];
}
