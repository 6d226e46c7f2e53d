// Draws the charts from the data beside them. A chart's element outlives the exchange of its zone, so that new data moves
// the marks instead of replacing them.
(() => {
  "use strict";
  const drawn = new Map(); // element id → { chart, host, text }
  const NARROW = 480;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // --- The page's own colours, as they are in the present theme ---------------------------------------------------

  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);

  function colour(name) {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  }

  function inks() {
    const names = ["ink", "ink-soft", "line", "surface", "active", "queue", "on-active", "on-queue", "p50", "p85", "p95"];
    return Object.fromEntries(names.map((name) => [name, colour(name)]));
  }

  const HATCH = { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 4, color: "rgba(255,255,255,0.35)" };
  const family = () => getComputedStyle(document.body).fontFamily;
  const round = (value) => (Math.round(value * 10) / 10).toLocaleString("en", { maximumFractionDigits: 1 });
  const unit = (value, one, many) => (round(value) === "1" ? one : many);

  // Markup in a tooltip would need style attributes, which the page forbids: elements need none.
  function tip(title, ...lines) {
    const box = document.createElement("div");
    box.className = "tip";
    const head = document.createElement("strong");
    head.textContent = title;
    box.append(head);
    for (const line of lines) {
      const row = document.createElement("span");
      row.textContent = line;
      box.append(row);
    }
    return box;
  }

  function frame(data, ink) {
    return {
      animationDuration: 0,
      animationDurationUpdate: calm.matches ? 0 : 300,
      textStyle: { fontFamily: family(), color: ink["ink-soft"], fontSize: 12 },
      aria: { enabled: true, label: { description: data.description } },
      tooltip: {
        confine: true,
        backgroundColor: ink.surface,
        borderColor: ink.line,
        textStyle: { color: ink.ink, fontSize: 13 },
        extraCssText: "",
      },
      grid: { left: 4, right: 28, top: 30, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    };
  }

  const legend = (ink) => ({
    left: 0, top: 0, itemWidth: 14, itemHeight: 10, itemGap: 16, selectedMode: false,
    textStyle: { color: ink["ink-soft"], fontSize: 12 },
  });

  const names = (rows, ink) => ({
    type: "category", inverse: true, data: rows.map((row) => row.name),
    axisTick: { show: false }, axisLine: { lineStyle: { color: ink.line } },
    axisLabel: { color: ink.ink, fontSize: 12.5, margin: 10 },
  });

  const amounts = (ink, minInterval) => ({
    type: "value", minInterval, axisLabel: { show: false }, splitLine: { show: false }, splitNumber: 4,
    axisLine: { show: false }, axisTick: { show: false }, max: (range) => range.max * 1.08 || 1,
  });

  // --- One function a kind of chart ----------------------------------------------------------------------------------

  function wip(data, ink) {
    const total = data.rows.map((row) => row.active + row.queue);
    const bar = (name, key, fill, text, decal) => ({
      name, type: "bar", stack: "wip", barMaxWidth: 26, barCategoryGap: "28%",
      data: data.rows.map((row) => row[key]),
      itemStyle: { color: fill, decal, borderColor: ink.surface, borderWidth: 1 },
      emphasis: { disabled: true },
      label: { show: total.some((count) => count > 0), formatter: ({ value }) => (value >= Math.max(...total) * 0.07 ? value : ""), color: text, fontWeight: 600, backgroundColor: decal ? fill : "transparent", padding: [1, 3], borderRadius: 3 },
    });
    return {
      ...frame(data, ink),
      legend: { ...legend(ink), data: ["Active", "Waiting"] },
      xAxis: amounts(ink, 1),
      yAxis: names(data.rows, ink),
      tooltip: {
        ...frame(data, ink).tooltip, trigger: "axis", axisPointer: { type: "none" },
        formatter: ([{ dataIndex }]) => {
          const row = data.rows[dataIndex];
          return tip(row.name, `${row.active} active`, `${row.queue} waiting`);
        },
      },
      series: [
        bar("Active", "active", ink.active, ink["on-active"]),
        bar("Waiting", "queue", ink.queue, ink["on-queue"], HATCH),
        {
          name: "Together", type: "bar", stack: "wip", data: total.map(() => 0), silent: true,
          label: { show: true, position: "right", color: ink.ink, fontWeight: 600, formatter: ({ dataIndex }) => String(total[dataIndex]) },
        },
      ],
    };
  }

  function scatter(data, ink, narrow) {
    const dashes = { p50: "solid", p85: "dashed", p95: "dotted" };
    const lines = data.lines.map((line) => ({
      yAxis: line.value, name: line.name,
      lineStyle: { color: ink[line.name], type: dashes[line.name], width: 1.5 },
      label: { formatter: `${line.name} ${round(line.value)}`, color: ink[line.name], fontWeight: 600, position: "end", distance: 6 },
    }));
    const few = data.points.length < 400;
    return {
      ...frame(data, ink),
      useUTC: true, // the moments are the platform's wall clock already
      grid: { left: 4, right: 68, top: 26, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      xAxis: {
        type: "time", splitNumber: narrow ? 3 : 5, axisLine: { lineStyle: { color: ink.line } }, axisTick: { lineStyle: { color: ink.line } },
        axisLabel: { color: ink["ink-soft"], hideOverlap: true, formatter: { year: "{yyyy}", month: "{d} {MMM}", day: "{d} {MMM}", hour: "{HH}:{mm}" } },
        minInterval: 24 * 3600 * 1000,
      },
      yAxis: {
        type: "value", min: 0, name: "working days", nameTextStyle: { color: ink["ink-soft"], align: "left", padding: [0, 0, 0, -18] },
        axisLabel: { color: ink["ink-soft"] }, splitLine: { lineStyle: { color: ink.line } },
      },
      tooltip: {
        ...frame(data, ink).tooltip, trigger: "item",
        formatter: ({ componentType, value, name }) =>
          componentType === "markLine"
            ? tip(name, `${round(value)} working days`)
            : tip(value[2], `${round(value[1])} working ${unit(value[1], "day", "days")}`, `done ${new Date(value[0]).toLocaleDateString("en-GB", { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" })}`),
      },
      series: [{
        type: "scatter", data: data.points, symbolSize: few ? 8 : 5, large: false,
        itemStyle: { color: ink.active, opacity: few ? 0.7 : 0.45 },
        emphasis: { scale: 1.5, itemStyle: { opacity: 1 } },
        markLine: { symbol: "none", silent: false, animation: false, data: lines, emphasis: { disabled: true } },
      }],
    };
  }

  function flow(data, ink) {
    const part = (name, queue, fill, decal) => ({
      name, type: "bar", stack: "days", barMaxWidth: 22, barCategoryGap: "30%",
      data: data.rows.map((row) => (row.queue === queue ? row.days : null)),
      itemStyle: { color: fill, decal },
      emphasis: { disabled: true },
      label: { show: true, position: "right", color: ink.ink, fontWeight: 600, formatter: ({ value }) => (value == null ? "" : round(value)) },
    });
    return {
      ...frame(data, ink),
      legend: { ...legend(ink), data: ["Work", "Waiting"] },
      xAxis: amounts(ink),
      yAxis: names(data.rows, ink),
      tooltip: {
        ...frame(data, ink).tooltip, trigger: "axis", axisPointer: { type: "none" },
        formatter: ([{ dataIndex }]) => {
          const row = data.rows[dataIndex];
          return tip(row.name, `${round(row.days)} working ${unit(row.days, "day", "days")} on average`, `over ${row.tickets} ${unit(row.tickets, "ticket", "tickets")}`);
        },
      },
      series: [part("Work", false, ink.active), part("Waiting", true, ink.queue, HATCH)],
    };
  }

  const KINDS = { wip, scatter, flow };

  // --- Drawing, and drawing again -------------------------------------------------------------------------------------

  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const entry = drawn.get(target.id);
      if (entry && entry.host === target && target.clientWidth) {
        entry.chart.resize();
        const narrow = target.clientWidth < NARROW;
        if (narrow !== entry.narrow) draw(entry.source);
      }
    }
  });

  function forget(id) {
    const entry = drawn.get(id);
    if (!entry) return;
    sizes.unobserve(entry.host);
    entry.chart.dispose();
    drawn.delete(id);
  }

  function draw(source, { anew = false } = {}) {
    const id = source.dataset.chart;
    const host = document.getElementById(id);
    if (!host) return;
    const data = JSON.parse(source.textContent);
    if (data.rows) host.dataset.rows = String(data.rows.length);
    let entry = drawn.get(id);
    if (entry && (anew || entry.host !== host)) {
      forget(id);
      entry = undefined;
    }
    const narrow = host.clientWidth < NARROW;
    if (entry && entry.text === source.textContent && entry.narrow === narrow) {
      entry.source = source;
      return;
    }
    if (!entry) {
      entry = { host, chart: echarts.init(host, null, { renderer: "svg" }) };
      drawn.set(id, entry);
      sizes.observe(host);
    }
    Object.assign(entry, { source, narrow, text: source.textContent });
    entry.chart.resize();
    entry.chart.setOption(KINDS[data.kind](data, inks(), narrow), { notMerge: false });
  }

  function drawAll(options) {
    for (const [id, { host }] of drawn) if (!host.isConnected) forget(id);
    document.querySelectorAll(".chart-data").forEach((source) => draw(source, options));
  }

  const anew = () => drawAll({ anew: true });
  drawAll();
  document.addEventListener("htmx:afterSwap", () => drawAll());
  document.addEventListener("dpp:theme", anew);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", anew);
})();
