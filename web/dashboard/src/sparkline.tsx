/** A line without axes, as high as its largest value. */
const width = 96;
const height = 24;

export function Sparkline({ values }: { values: number[] }) {
  const top = Math.max(...values, 1);
  const step = width / Math.max(values.length - 1, 1);
  const points = values.map((value, i) => {
    const y = height - 2 - (Math.max(value, 0) / top) * (height - 4);
    return `${(i * step).toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <polyline points={points.join(" ")} />
    </svg>
  );
}
