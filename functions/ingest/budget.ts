/** X's limits of `max_results`. */
export const LARGEST_PAGE = 100;
const SMALLEST_PAGE = 10;

/** Posts that this run and this month may still read from X. */
export class Budget {
  constructor(
    private run: number,
    private month: number | null,
    private readonly of: { run: number; month: number | null },
  ) {}

  /**
   * How many results the next page may hold, and how many posts X may charge for it where each result may bring
   * `postsAResult`, itself included; or why there is no next page.
   */
  nextPage(postsAResult: number): { results: number; posts: number } | { usedUp: string } {
    const left = Math.min(this.run, this.month ?? Infinity);
    const results = Math.min(LARGEST_PAGE, Math.floor(left / postsAResult));
    if (results >= SMALLEST_PAGE) {
      return { results, posts: results * postsAResult };
    }
    return {
      usedUp:
        this.month !== null && this.month <= this.run
          ? `the month's budget of ${this.of.month} posts is used up`
          : `the budget of ${this.of.run} tweets is used up`,
    };
  }

  spend(posts: number): void {
    this.run -= posts;
    this.month = this.month === null ? null : this.month - posts;
  }
}
