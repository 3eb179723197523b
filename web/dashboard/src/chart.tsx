/** A small live chart over a History, redrawn as it grows and when the theme changes. */
import uPlot from "uplot";
import { useEffect, useRef } from "preact/hooks";
import type { History } from "./history.js";
import { theme } from "./theme.js";

interface Props {
  title: string;
  history: History;
  /** Which series of the history to draw, and the custom property of each colour. */
  series: { index: number; label: string; color: string }[];
  format: (value: number) => string;
}

const spanSeconds = 60;
const chartHeight = 150;
/** Steps of the vertical axis: 1, 2, 5, 10, 20 … */
const wholeSteps = [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((power) =>
  [1, 2, 5].map((digit) => digit * 10 ** power),
);

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function fill(name: string): (u: uPlot) => CanvasGradient | string {
  return (u) => {
    const { top, height } = u.bbox;
    if (!Number.isFinite(top) || height <= 0) return "transparent";
    const gradient = u.ctx.createLinearGradient(0, top, 0, top + height);
    gradient.addColorStop(0, `${color(name)}40`);
    gradient.addColorStop(1, `${color(name)}05`);
    return gradient;
  };
}

function optionsOf(props: Props, width: number): uPlot.Options {
  const font = "11px system-ui, sans-serif";
  return {
    width,
    height: chartHeight,
    legend: { show: false },
    cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
    padding: [8, 16, 0, 0],
    scales: {
      x: { time: false },
      y: {
        range: (_u, _min, max) => [0, Math.max(max ?? 0, 4) * 1.15],
      },
    },
    axes: [
      {
        stroke: () => color("--muted"),
        font,
        size: 22,
        gap: 2,
        grid: { show: false },
        ticks: { show: false },
        space: 60,
        values: (u, splits) => {
          const end = u.scales.x?.max ?? 0;
          return splits.map((s) => (end - s < 1 ? "now" : `−${Math.round(end - s)} s`));
        },
        splits: (u) => [45, 30, 15, 0].map((back) => (u.scales.x?.max ?? 0) - back),
      },
      {
        stroke: () => color("--muted"),
        font,
        size: 58,
        gap: 4,
        space: 34,
        incrs: wholeSteps,
        grid: { stroke: () => color("--line"), width: 1 },
        ticks: { show: false },
        values: (_u, splits) => splits.map((s) => props.format(s)),
      },
    ],
    series: [
      {},
      ...props.series.map((s) => ({
        label: s.label,
        stroke: () => color(s.color),
        fill: fill(s.color),
        width: 1.5,
        points: { show: false },
      })),
    ],
  };
}

export function Chart(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const { history, series, title } = props;
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const plot = new uPlot(optionsOf(props, element.clientWidth || 300), [[]], element);
    const draw = () => {
      const end = history.last || Date.now() / 1000;
      const data = [history.times, ...series.map((s) => history.series[s.index] ?? [])];
      plot.batch(() => {
        plot.setData(data as uPlot.AlignedData, false);
        plot.setScale("x", { min: end - spanSeconds, max: end });
      });
    };
    draw();
    const timer = setInterval(draw, 200);
    const resized = new ResizeObserver(() => {
      plot.setSize({ width: element.clientWidth, height: chartHeight });
    });
    resized.observe(element);
    const unsubscribe = theme.subscribe(() => plot.redraw(false, true));
    return () => {
      clearInterval(timer);
      resized.disconnect();
      unsubscribe();
      plot.destroy();
    };
  }, []);
  return (
    <section class="card chart">
      <h2>{title}</h2>
      <div class="legend">
        {series.map((s) => (
          <span key={s.label} class={`key ${s.color.slice(2)}`}>
            {s.label}
          </span>
        ))}
      </div>
      <div ref={box} role="img" aria-label={`${title} over the last minute`} />
    </section>
  );
}
