/** The value below which a share `q` of `values` lies, between neighbours in proportion. */
export function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

export function median(values) {
  return quantile(values, 0.5);
}

/**
 * The median over all rounds, and how far the processes lie apart.
 *
 * @param processes - for each process the values of its rounds
 */
export function spread(processes) {
  const medians = processes.map(median);
  return { median: median(processes.flat()), min: Math.min(...medians), max: Math.max(...medians) };
}

/** One ratio per round: both sides of each were measured next to each other, so what slowed the machine slowed both. */
export function ratios(ours, theirs) {
  return spread(ours.map((rounds, process) => rounds.map((value, round) => value / theirs[process][round])));
}
