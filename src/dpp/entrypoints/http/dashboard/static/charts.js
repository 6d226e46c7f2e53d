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

  function inks(theme = "") {
    probe.style.colorScheme = theme;
    const names = ["ink", "ink-soft", "line", "surface", "active", "queue", "on-active", "on-queue", "p50", "p70", "p85", "p95"];
    for (let band = 1; band <= 6; band += 1) names.push(`band${band}`);
    return Object.fromEntries(names.map((name) => [name, colour(name)]));
  }

  const HATCH = { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 4, color: "rgba(255,255,255,0.35)" };
  const family = () => getComputedStyle(document.body).fontFamily.replaceAll('"', "'"); // it may go into an attribute
  const round = (value) => (Math.round(value * 10) / 10).toLocaleString(navigator.language, { maximumFractionDigits: 1 });
  // Days as the tables have them: English words, in the order that the reader is used to.
  const DATES = navigator.language.startsWith("en") ? navigator.language : "en-GB";
  const DAY = DATES === "en-US" ? "{MMM} {d}" : "{d} {MMM}";
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
      data: data.rows.map((row) => row[key] || null), // a bar of nothing would still have a border
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

  // Percentiles that lie close together would write their names over each other: the higher goes up, the lower down.
  function nudged(lines, highest) {
    const near = (a, b) => a && b && Math.abs(a.value - b.value) < highest * 0.07;
    return lines.map((line, place) => (near(line, lines[place + 1]) ? 7 : near(lines[place - 1], line) ? -7 : 0));
  }
  const top = (data) => Math.max(0, ...data.lines.map((line) => line.value), ...data.points.map((point) => point[1]));

  function scatter(data, ink, narrow) {
    const nudges = nudged(data.lines, top(data));
    const dashes = { p50: "solid", p85: "dashed", p95: "dotted" };
    const lines = data.lines.map((line, place) => ({
      yAxis: line.value, name: line.name,
      lineStyle: { color: ink[line.name], type: dashes[line.name], width: 1.5 },
      label: { formatter: `${line.name} ${round(line.value)}`, color: ink[line.name], fontWeight: 600, position: "end", distance: 6, offset: [0, nudges[place]] },
    }));
    const few = data.points.length < 400;
    return {
      ...frame(data, ink),
      useUTC: true, // the moments are the platform's wall clock already
      grid: { left: 4, right: 68, top: 26, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      xAxis: {
        type: "time", splitNumber: narrow ? 3 : 5, axisLine: { lineStyle: { color: ink.line } }, axisTick: { lineStyle: { color: ink.line } },
        axisLabel: { color: ink["ink-soft"], hideOverlap: true, formatter: { year: "{yyyy}", month: DAY, day: DAY, hour: "{HH}:{mm}" } },
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
            : tip(value[2], `${round(value[1])} working ${unit(value[1], "day", "days")}`, `done ${new Date(value[0]).toLocaleDateString(DATES, { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" })}`),
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

  const dayWords = (ms) => new Date(ms).toLocaleDateString(DATES, { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" });

  const monthWords = (ms) => new Date(ms).toLocaleDateString(DATES, { timeZone: "UTC", month: "short", year: "numeric" });

  const months = (ink) => ({
    type: "category", boundaryGap: true, axisTick: { show: false }, axisLine: { lineStyle: { color: ink.line } },
    axisLabel: { color: ink["ink-soft"], hideOverlap: true },
  });

  const days = (ink, narrow) => ({
    type: "time", splitNumber: narrow ? 3 : 5, axisLine: { lineStyle: { color: ink.line } }, axisTick: { lineStyle: { color: ink.line } },
    axisLabel: { color: ink["ink-soft"], hideOverlap: true, formatter: { year: "{yyyy}", month: DAY, day: DAY, hour: "" } },
    minInterval: 24 * 3600 * 1000,
  });

  const values = (ink, name) => ({
    type: "value", name, nameTextStyle: { color: ink["ink-soft"], align: "left", padding: [0, 0, 0, -18] },
    axisLabel: { color: ink["ink-soft"] }, splitLine: { lineStyle: { color: ink.line } }, splitNumber: 4,
  });

  function series(data, ink, narrow) {
    const signs = ["circle", "diamond", "triangle"];
    const several = data.lines.length > 1;
    return {
      ...frame(data, ink),
      useUTC: true,
      legend: several ? { ...legend(ink), itemWidth: 24, left: "right", data: data.lines.map((line) => line.name) } : { show: false },
      grid: { left: 4, right: 16, top: 30, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      xAxis: data.signs ? { ...months(ink), data: data.days.map(monthWords) } : days(ink, narrow),
      yAxis: { ...values(ink, data.unit), min: data.scale ? data.scale[0] : 0, max: data.scale ? data.scale[1] : ({ max }) => (data.unit === "percent" ? Math.min(100, Math.ceil(max / 10 + 0.05) * 10) : null) },
      tooltip: {
        ...frame(data, ink).tooltip, trigger: "axis", axisPointer: { type: "line", lineStyle: { color: ink["ink-soft"] } },
        formatter: (points) =>
          tip(data.signs ? monthWords(data.days[points[0].dataIndex]) : dayWords(data.days[points[0].dataIndex]), ...points.flatMap(({ seriesIndex, seriesName, dataIndex }) => {
            const value = data.lines[seriesIndex].values[dataIndex];
            const restated = data.lines[seriesIndex].marks.filter(([at]) => at === dataIndex).map(([, said]) => `Restated: ${said}`);
            return [`${several ? `${seriesName}: ` : ""}${value == null ? "no sample" : `${round(value)} ${data.unit === "percent" ? "%" : data.scale ? "" : data.unit}`}`, ...restated];
          })),
      },
      series: data.lines.map((line, place) => ({
        name: line.name, type: "line", data: data.signs ? line.values : data.days.map((day, at) => [day, line.values[at]]), connectNulls: false,
        showSymbol: data.signs || data.days.length < 3, symbol: signs[place], symbolSize: data.signs ? 8 : 6,
        lineStyle: { color: ink[line.ink], width: 2, type: line.dash }, itemStyle: { color: ink[line.ink] },
        areaStyle: several ? null : { color: ink[line.ink], opacity: 0.1 },
        emphasis: { disabled: true },
        // Past values that were changed after their day was over.
        markPoint: {
          symbol: "diamond", symbolSize: 11, silent: true, animation: false, label: { show: false },
          itemStyle: { color: ink.surface, borderColor: ink.p95, borderWidth: 2 },
          data: line.marks.filter(([at]) => line.values[at] != null).map(([at]) => ({ coord: [data.days[at], line.values[at]] })),
        },
      })),
    };
  }

  function cumulative(data, ink, narrow) {
    return {
      ...frame(data, ink),
      useUTC: true,
      legend: { ...legend(ink), icon: "rect", data: data.bands.map((band) => band.name).reverse() },
      grid: { left: 4, right: 16, top: narrow ? 58 : 34, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      xAxis: days(ink, narrow),
      yAxis: { ...values(ink, ""), minInterval: 1 },
      tooltip: {
        ...frame(data, ink).tooltip, trigger: "axis", axisPointer: { type: "line", lineStyle: { color: ink["ink-soft"] } },
        formatter: (points) => tip(dayWords(points[0].value[0]), ...points.map(({ seriesName, value }) => `${seriesName}: ${value[1]}`).reverse()),
      },
      series: data.bands.map((band, place) => ({
        name: band.name, type: "line", stack: "all", symbol: "none",
        data: data.days.map((day, at) => [day, band.counts[at]]),
        itemStyle: { color: ink[`band${place + 1}`] },
        lineStyle: { color: ink.surface, width: 1 },
        areaStyle: { color: ink[`band${place + 1}`], opacity: 1 },
        emphasis: { disabled: true },
      })),
    };
  }

  // Where an axis ends that has to reach a value: on a whole step of it.
  const upTo = (value) => {
    const step = value > 40 ? 20 : value > 10 ? 5 : 1;
    return Math.ceil((value * 1.02) / step) * step;
  };

  function ageing(data, ink, narrow) {
    const dashes = { p50: "solid", p85: "dashed", p95: "dotted" };
    const nudges = nudged(data.lines, top(data));
    const places = data.points.map(() => 0);
    // Side by side instead of on top of each other, in the same place at every drawing.
    const seen = new Map();
    data.points.forEach(([stage], at) => { places[at] = seen.get(stage) || 0; seen.set(stage, places[at] + 1); });
    const SHORT = { Development: "Dev", "Code review": "Review", "Unmapped status": "Unmapped" };
    const brief = (stage = "") => ((narrow || data.stages.length > 5) && SHORT[stage]) || stage;
    const offset = (at) => (((places[at] * 7) % 11) - 5) / 11 * 0.7;
    const dots = (blocked) => data.points
      .map(([stage, age, ticket, isBlocked], at) => ({ value: [stage + 1 + offset(at), age], ticket, stage, isBlocked }))
      .filter((point) => Boolean(point.isBlocked) === blocked);
    const dot = (name, blocked, symbol, fill) => ({
      name, type: "scatter", data: dots(blocked), symbol, symbolSize: blocked ? 11 : 9,
      itemStyle: { color: fill, opacity: 0.8 }, emphasis: { scale: 1.4 },
    });
    return {
      ...frame(data, ink),
      legend: { ...legend(ink), data: ["In progress", "Blocked"] },
      grid: { left: 4, right: 68, top: 46, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      xAxis: {
        type: "value", min: 0, max: data.stages.length + 1, interval: 1, splitLine: { show: false },
        axisLine: { show: true, onZero: false, lineStyle: { color: ink.line } }, axisTick: { show: false },
        axisLabel: { color: ink.ink, fontSize: narrow ? 10 : 12, rotate: narrow && data.stages.length > 5 ? 35 : 0, showMinLabel: false, showMaxLabel: false, formatter: (at) => brief(data.stages[at - 1]) },
      },
      yAxis: { ...values(ink, "working days"), axisLine: { show: false }, axisTick: { show: false }, min: 0, max: ({ max }) => upTo(Math.max(max, ...data.lines.map((line) => line.value))) },
      tooltip: {
        ...frame(data, ink).tooltip, trigger: "item",
        formatter: ({ componentType, name, value, data: point }) =>
          componentType === "markLine"
            ? tip(name, `${round(value)} working days`)
            : tip(point.ticket, `${round(point.value[1])} working ${unit(point.value[1], "day", "days")} so far`, data.stages[point.stage], ...(point.isBlocked ? ["blocked"] : [])),
      },
      series: [
        {
          ...dot("In progress", false, "circle", ink.active),
          markLine: {
            symbol: "none", animation: false, emphasis: { disabled: true },
            data: data.lines.map((line, place) => ({
              yAxis: line.value, name: line.name, lineStyle: { color: ink[line.name], type: dashes[line.name], width: 1.5 },
              label: { formatter: `${line.name} ${round(line.value)}`, color: ink[line.name], fontWeight: 600, position: "end", distance: 6, offset: [0, nudges[place]] },
            })),
          },
        },
        dot("Blocked", true, "diamond", ink.p85),
      ],
    };
  }

  function histogram(data, ink, narrow) {
    const dashes = { p50: "solid", p70: [8, 3], p85: "dashed", p95: "dotted" };
    const short = (ms) => new Date(ms).toLocaleDateString(DATES, { timeZone: "UTC", day: "numeric", month: "short" });
    return {
      ...frame(data, ink),
      grid: { left: 4, right: 16, top: 46, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      xAxis: {
        type: "category", data: data.rows.map((row) => short(row.day)), axisTick: { show: false },
        axisLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink["ink-soft"], hideOverlap: true, interval: "auto" },
      },
      yAxis: { ...values(ink, "% of the runs"), min: 0 },
      tooltip: {
        ...frame(data, ink).tooltip, trigger: "axis", axisPointer: { type: "none" },
        formatter: ([{ dataIndex }]) => tip(dayWords(data.rows[dataIndex].day), `${round(data.rows[dataIndex].share)} % of the runs end here`),
      },
      series: [{
        type: "bar", data: data.rows.map((row) => row.share), barCategoryGap: "12%", itemStyle: { color: ink.active, opacity: 0.75 },
        emphasis: { disabled: true },
        markLine: {
          symbol: "none", animation: false, silent: true, emphasis: { disabled: true },
          data: data.lines.map((line, place) => ({
            xAxis: line.bar, lineStyle: { color: ink[line.ink], type: dashes[line.ink], width: 2 },
            label: { formatter: line.names.join(" "), color: ink[line.ink], fontWeight: 600, position: "end", distance: 4 + (place % 2) * 14 },
          })),
        },
      }],
    };
  }

  const KINDS = { wip, scatter, flow, series, cumulative, ageing, histogram };

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

  // What is in sight, and what is drawn already, is drawn at once; the rest when the browser has time.
  const queue = [];
  const whenIdle = window.requestIdleCallback ? (work) => requestIdleCallback(work, { timeout: 500 }) : (work) => setTimeout(work, 1);

  function drawNext(deadline) {
    try {
      do {
        const [source, options] = queue.shift();
        if (source.isConnected) draw(source, options);
      } while (queue.length && deadline?.timeRemaining?.() > 10);
    } finally {
      if (queue.length) whenIdle(drawNext); // one that fails must not keep the others
    }
  }

  function drawLater(source, options) {
    queue.push([source, options]);
    if (queue.length === 1) whenIdle(drawNext);
  }

  function isUrgent(source) {
    const host = document.getElementById(source.dataset.chart);
    return drawn.has(source.dataset.chart) || (host && host.getBoundingClientRect().top < window.innerHeight);
  }

  function drawAll(options) {
    for (const [id, { host }] of drawn) if (!host.isConnected) forget(id);
    document.querySelectorAll(".chart-data").forEach((source) => (isUrgent(source) ? draw : drawLater)(source, options));
  }

  // A chart as a picture for paper and slides: of one size and in light colours, wherever it is read.
  window.dppPicture = (id, { width, height }) => {
    const data = JSON.parse(document.querySelector(`.chart-data[data-chart="${id}"]`).textContent);
    const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
    chart.setOption({ ...KINDS[data.kind](data, inks("light"), false), animation: false });
    const text = chart.renderToSVGString();
    chart.dispose();
    return { text, description: data.description, surface: inks("light").surface, ink: inks("light").ink, soft: inks("light")["ink-soft"] };
  };

  // Paper has a width and a colour of its own: what is on the page is drawn for it, and drawn for the screen again after.
  const PAPER_WIDTH = 660; // within A4 and its margins, inside of a card

  window.addEventListener("beforeprint", () => {
    document.querySelectorAll(".chart-data").forEach((source) => draw(source));
    for (const { chart, host, source } of drawn.values()) {
      const data = JSON.parse(source.textContent);
      chart.resize({ width: Math.min(PAPER_WIDTH, host.clientWidth), height: host.clientHeight });
      chart.setOption({ ...KINDS[data.kind](data, inks("light"), false), animation: false });
      chart.getZr().flush();
    }
  });
  window.addEventListener("afterprint", () => drawAll({ anew: true }));

  const anew = () => drawAll({ anew: true });
  drawAll();
  document.addEventListener("htmx:afterSwap", () => drawAll());
  document.addEventListener("dpp:theme", anew);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", anew);
})();
