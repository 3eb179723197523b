/** A bounded run of samples for charts: the newest `capacity` ones, oldest first. */
export class History {
  readonly times: number[] = [];
  readonly series: (number | null)[][];

  constructor(
    readonly names: readonly string[],
    private readonly capacity: number,
  ) {
    this.series = names.map(() => []);
  }

  push(time: number, values: (number | null)[]): void {
    this.times.push(time);
    this.series.forEach((samples, i) => samples.push(values[i] ?? null));
    if (this.times.length <= this.capacity) return;
    this.times.shift();
    for (const samples of this.series) samples.shift();
  }

  get last(): number {
    return this.times[this.times.length - 1] ?? 0;
  }
}
