import { init } from "echarts";
import type { Counts } from "./proxy.ts";

/** The time of an operation, and the platform's counters. */
export interface Cost extends Counts {
  ms: number;
}

/** The cost of operations for several values of one size. */
export interface Series {
  what: string;
  sizes: readonly number[];
  costs: ReadonlyMap<string, readonly Cost[]>;
}

const WIDTH = 1_100;
const PANEL = 300;
/** Space between panels, and above the first: titles and axes. */
const GAP = 90;

/** The time of each operation for each size, and the rows its object reads and writes, as SVG. */
export function plotted(series: readonly Series[]): string {
  const height = series.length * (PANEL + GAP) + GAP;
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  const panels = series.flatMap((one, row) => [
    { one, row, column: 0, unit: "ms", of: (cost: Cost) => cost.ms },
    {
      one,
      row,
      column: 1,
      unit: "rows read and written",
      of: (cost: Cost) => cost.rowsRead + cost.rowsWritten,
    },
  ]);
  chart.setOption({
    animation: false,
    backgroundColor: "#fff",
    legend: { top: 10, type: "plain", width: WIDTH - 100, itemGap: 45 },
    grid: panels.map(({ row, column }) => ({
      left: column === 0 ? 60 : WIDTH / 2 + 60,
      width: WIDTH / 2 - 100,
      top: GAP + row * (PANEL + GAP),
      height: PANEL,
    })),
    xAxis: panels.map(({ one }, gridIndex) => ({
      gridIndex,
      type: "category",
      name: one.what,
      nameLocation: "middle",
      nameGap: 28,
      data: one.sizes.map((size) => size.toLocaleString("en")),
    })),
    yAxis: panels.map(({ unit }, gridIndex) => ({
      gridIndex,
      type: "log",
      name: unit,
      min: 0.1,
    })),
    series: panels.flatMap(({ one, of }, index) =>
      Array.from(one.costs, ([name, costs]) => ({
        name,
        type: "line",
        xAxisIndex: index,
        yAxisIndex: index,
        // A logarithmic axis cannot show zero.
        data: costs.map((cost) => Math.max(0.1, of(cost))),
      })),
    ),
  });
  return chart.renderToSVGString();
}
