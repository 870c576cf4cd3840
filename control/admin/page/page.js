"use strict";
// The page of Sluice. What the daemon says is kept in `daemon`; render() makes the page of it anew, and morph() brings the document
// there, so that focus, scrolling and what is open stay. Names become text and attributes, never markup.

const kEvents = 200, kSilence = 3000, kDead = 10000;
const daemon = { status: null, who: null, last: null, samples: null, events: [], back: {} };
const view = { service: "", filter: "", heard: Date.now(), live: false, refused: null, ticks: 0 };
const $ = id => document.getElementById(id);

// --- the daemon

const kToken = "sluice-token";
const token = () => sessionStorage.getItem(kToken);
const may = () => /operator|admin/.test(daemon.who?.role);
const path_of = name => "/v1/services/" + encodeURIComponent(name);
const hash_of = name => "#" + encodeURIComponent(name);
const of = name => name ? "?service=" + encodeURIComponent(name) : "";

function ask(method, path, body, headers = {}, signal) {
  if (token()) headers.Authorization = "Bearer " + token();
  return fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store", signal });
}
async function checked(answer) {
  if (!answer.ok) throw { status: answer.status, said: await answer.json() };
  return answer;
}
const get = async path => (await checked(await ask("GET", path))).json();

// One service, or all. Another process counts its events anew.
async function load(service) {
  const said = await get("/v1/status" + of(service)), before = daemon.status;
  if (before && before.pid !== said.pid) daemon.events = [], daemon.back = {}, view.last_event = 0;
  if (service && before) said.services = { ...before.services, ...said.services };
  daemon.status = said;
  view.loaded = Date.now();
  choose();
  await look_back();
}

async function load_samples() {
  const said = view.service && await get("/v1/history/samples" + of(view.service));
  if (said.service === view.service) daemon.samples = said;
}

// What a rollback would do: a dry run, once a generation.
async function look_back() {
  const { generation } = daemon.status, { service } = view, asked = daemon.back;
  if (!service || !may() || asked.of === generation + service) return;
  const back = daemon.back = { of: generation + service };
  Object.assign(back, await (await ask("POST", path_of(service) + "/rollback?dry_run=true")).json());
}

// Several events in a row ask once. Who fails is asked again in a moment.
const stale = new Set();
function soon(service) {
  if (!stale.size) setTimeout(() => {
    quietly(stale.size > 3 ? [load()] : [...stale].map(load));
    stale.clear();
  }, 150);
  stale.add(service);
}
const quietly = work => Promise.all(work).catch(() => {}).then(draw);

const kSample = ["share", "share_measured", "requests_per_second", "error_rate", "p50_ms", "p95_ms", "p99_ms", "in_flight", "eligible"];

function take_sample({ services, generation }) {
  for (const [name, pools] of Object.entries(services))
    for (const [pool, numbers] of Object.entries(pools)) {
      const kept = daemon.status.services[name]?.pools[pool];
      if (kept) kSample.forEach((field, i) => { kept[field] = numbers[i]; });
    }
  if (generation !== daemon.status.generation) soon();
}

function take_event(event) {
  const { id, type, service, time, detail } = event;
  view.last_event = id;
  daemon.events = [...daemon.events, event].slice(-kEvents);
  if (type === "change") daemon.last = { time, ...detail };
  if (view.live) (detail?.services ?? [service]).forEach(soon);
}

function take_message(text) {
  view.heard = Date.now();
  const data = /^data: (.*)$/m.exec(text)?.[1];
  if (!data) return;
  const said = JSON.parse(data);
  if (said.type === "sample") view.live = true, take_sample(said);
  else if (said.type === "resync") daemon.events = [];
  else take_event(said);
  draw();
}

// EventSource cannot send a token.
async function read_stream(signal) {
  [daemon.who, { history: [daemon.last] }] = await Promise.all([get("/v1/whoami"), get("/v1/history?limit=1")]);
  await load();
  await load_samples();
  const headers = view.last_event ? { "Last-Event-ID": view.last_event } : {};
  const { body } = await checked(await ask("GET", "/v1/events?samples=true", null, headers, signal));
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const messages = (rest + value).split("\n\n");
    rest = messages.pop();
    messages.forEach(take_message);
  }
}

async function follow() {
  for (;;) {
    const stop = new AbortController(), began = Date.now();
    const guard = setInterval(() => { if (Date.now() - Math.max(began, view.heard) > kDead) stop.abort(); }, 1000);
    view.refused = null;
    await read_stream(stop.signal).catch(error => { if (error.said && error.status < 404) view.refused = error; });
    clearInterval(guard);
    stop.abort();
    view.live = false;
    draw();
    await new Promise(again => { view.again = again; if (!view.refused) setTimeout(again, 1000); });
  }
}

// --- words

const NB = "\u00a0";
const digits = (x, most) => String(+x.toFixed(most));
const known = show => x => x == null ? "–" : show(x);
const share = x => digits(x * 100, 3) + NB + "%";
const percent = known(x => digits(x * 100, Math.abs(x) < 0.1 ? 2 : 1) + NB + "%");
const rate = known(x => x.toFixed(x < 100 && x % 1 ? 1 : 0));
const ms = known(x => x < 1000 ? digits(x, x < 10 ? 1 : 0) + NB + "ms" : digits(x / 1000, 2) + NB + "s");
const clock = time => new Date(time).toLocaleTimeString("en-GB");
const many = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
// Numbers keep their units.
const tight = text => text.replace(/(\d) (?=%|ms|s\b|min|h\b)/g, "$1" + NB);
const spaced = text => text.replace(/(\d)(%|h|s)$/, "$1" + NB + "$2").replace(/(\d)m$/, `$1${NB}min`);
const since = () => Date.now() - view.loaded;
const sum = list => list.reduce((a, b) => a + b, 0);

function span(left) {
  const s = Math.max(0, Math.ceil(left / 1000)), m = Math.floor(s / 60), h = Math.floor(m / 60);
  return h ? `${h}${NB}h ${m % 60}${NB}min` : m ? `${m}${NB}min ${s % 60}${NB}s` : `${s}${NB}s`;
}
function millis(text) {
  const [, n, unit] = /^(\d+)(\w+)$/.exec(text) ?? [0, 0, "s"];
  return n * { ms: 1, s: 1000, m: 60000, h: 3600000 }[unit];
}

const pools_of = service => Object.entries(service.pools);
const backends_of = pool => Object.values(pool.backends);
const ready_of = pool => pool.eligible ?? backends_of(pool).filter(one => one.eligible).length;
const hold_left = rollout => Math.max(0, millis(rollout.hold) - (rollout.in_step_ms ?? 0) - since());
const pool_numbers = pool => `${rate(pool.requests_per_second)} requests/s, ${percent(pool.error_rate)} errors, p95 ${ms(pool.p95_ms)}`;

// --- the document

// el("p.note", {attributes}, children...): the attributes may be missing, what is false or empty is left out.
function el(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split(".");
  const node = /^(svg|path|line|rect|circle|text)$/.test(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  if (attributes?.constructor !== Object) children.unshift(attributes), attributes = {};
  if (tag === "svg" && !attributes.role) node.setAttribute("aria-hidden", "true");
  if (classes.length) node.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes)) if (value || value === 0) node.setAttribute(name, value === true ? "" : value);
  node.append(...children.flat(Infinity).filter(child => child || child === 0));
  return node;
}

const key_of = node => node.dataset?.key || node.id;

function morph(old, fresh) {
  if (old.nodeName !== fresh.nodeName || key_of(old) !== key_of(fresh)) return old.replaceWith(fresh);
  if (old.nodeType === Node.TEXT_NODE) return old.data === fresh.data || (old.data = fresh.data);
  const own = old.nodeName === "DETAILS" && "open";  // the reader's
  for (const { name } of [...old.attributes]) if (name !== own && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (name !== own && old.getAttribute(name) !== value) old.setAttribute(name, value);
  morph_children(old, [...fresh.childNodes]);
}

function morph_children(old, fresh) {
  const keyed = new Map([...old.children].map(child => [key_of(child), child]));
  const move = (old.moveBefore ?? old.insertBefore).bind(old);  // the first keeps the focus
  fresh.forEach((child, i) => {
    const here = old.childNodes[i] ?? null, same = keyed.get(key_of(child) || NaN);
    if (same && same !== here) move(same, here);
    if (same) morph(same, child);
    else if (here && !key_of(here) && !key_of(child)) morph(here, child);
    else old.insertBefore(child, here);
  });
  while (old.childNodes.length > fresh.length) old.lastChild.remove();
}

const fill = (id, ...children) => morph_children($(id), children.flat(Infinity).filter(Boolean));

const kGlyphs = { bad: "■", warn: "▲", move: "▶", good: "✓", calm: "●" };
const mark = tone => el("span.mark." + tone, { "aria-hidden": "true" }, kGlyphs[tone]);
const button = (act, label, why, more) => el(`button.${act}`, { "data-act": act, "data-key": act, disabled: !!why, title: why, ...more }, label);
const section = (title, ...children) => el("section.card." + title.split(" ")[0].toLowerCase(), { "data-key": title, "aria-label": title }, el("h2", title), children);

// A row is [key, cells...].
const table = (head, rows) => el("div.scroll", el("table", el("thead", el("tr", head.map(one => el("th", { scope: "col" }, one)))),
  el("tbody", rows.map(([key, ...cells]) => el("tr", { "data-key": key }, cells.map((cell, i) => el(i ? "td" : "th", { scope: !i && "row", "data-label": head[i] }, cell)))))));

// Pools called blue and green are so. What is not stable has stripes, or dashes.
const hue = (service, name) => ".hue" + ({ blue: 0, green: 1 }[name] ?? Object.keys(service.pools).indexOf(name) % 3);
const block = (service, name, box) => [el("rect" + hue(service, name), box), name !== service.stable && el("rect", { ...box, fill: "url(#stripes)" })];
const swatch = (service, name) => el("svg.swatch", { viewBox: "0 0 12 12" }, block(service, name, { width: 12, height: 12, rx: 3 }));
const stroke = (service, name, d) => el(`path.line${hue(service, name)}${name === service.stable ? "" : ".dashed"}`, { d });

function bar(service, field) {
  let x = 0;
  return el("svg.bar." + field, pools_of(service).map(([name, pool]) => {
    const from = x;
    x += pool[field] ?? 0;
    return block(service, name, { x: from * 100 + "%", width: (x - from) * 100 + "%", height: "100%" });
  }));
}

// --- its parts

// The reasons of rollouts are long, and stand elsewhere.
const by = ({ actor, reason }) => ` by ${actor}${reason && actor !== "rollout" ? ` “${reason}”` : ""}`;

function top_bar() {
  const { last, status } = daemon, fresh = view.live && Date.now() - view.heard < kSilence;
  return [
    el("a.logo", { href: "#" }, "Sluice"),
    el("p.latest", status && el("b", `generation ${status.generation}`), last && ` ${last.verb}${by(last)}, ${clock(last.time)}`),
    el("p", mark(fresh ? "good" : "warn"), fresh ? "live" : "not live"),
  ];
}

const notice = text => el("p.notice", mark("warn"), text);

function notices({ readiness, predecessor, notify, warnings }) {
  const { connections, oldest_path, oldest_ms } = predecessor ?? {};
  return [
    readiness !== "ready" && `The daemon is ${readiness}`,
    predecessor && `Upgrade under way: ${many(connections, "connection")} left in the process before this one`
      + (oldest_path ? `, oldest ${oldest_path} ${span(oldest_ms)}` : ""),
    ...Object.entries(notify ?? {}).map(([name, { last_error }]) => last_error && `Notices to ${name} fail: ${last_error}`),
    ...warnings,
  ].filter(Boolean).map(notice);
}

function headline(name, service, rollout) {
  const { tone, word, text, how, waits } = service.headline, why = may() ? "" : `You look as ${daemon.who?.role}: this needs the role operator`;
  return el("section.card.headline." + tone, { "data-key": "headline", "aria-label": "What is going on" },
    el("div.say",
      el("p.word", el("b", mark(tone), word), el("span", name), rollout && el("span", `${rollout.from} → ${rollout.to}`),
        rollout?.step && el("span", `step ${rollout.step} of ${rollout.steps}`)),
      el("h1", tight(text)), el("p", tight(how)), waits && el("p.waits", "Waits for ", el("b", tight(waits)))),
    el("div.acts", acts(service, rollout, why), el("p.why", why || !rollout && back_of().why)));
}

// Where a rollback leads to, or why there is none.
function back_of() {
  const { after, changed, detail, why, warnings } = daemon.back;
  return changed ? { goal: Object.keys(after).find(pool => after[pool] === "100%") } : { why: detail || why || warnings?.[0] || "Asking where it leads" };
}

function acts(service, rollout, why) {
  const { goal, why: none } = back_of(), group = rollout && rollout.group.length > 1 ? ` (${rollout.group.join(", ")})` : "";
  const to = (pool, { share }) => share < 1 && button("cutover", `Cut over to ${pool}…`, why, { "data-pool": pool, "data-key": "to-" + pool });
  const go_on = rollout && (rollout.state === "paused" ? button("resume", "Resume", why) : button("pause", "Pause", why));
  return [
    rollout ? [button("abort", `Roll back to ${rollout.from}${group}`, why), go_on, button("promote", "Promote…", why)]
      : [button("rollback", "Roll back" + (goal ? " to " + goal : ""), why || none), pools_of(service).map(one => to(...one))],
    service.traffic.state !== "open" && button("release", "Resume requests", why),
    service.unconfirmed && button("confirm", "Keep", why),
  ];
}

function steps(rollout) {
  const left = hold_left(rollout), present = rollout.state === "paused" ? "paused" : left ? span(left) + " left" : "hold is over";
  return section("Steps", el("ol", rollout.plan_steps.map(({ share, hold, approve, mirror }, i) => {
    const now = i + 1 === rollout.step, done = i + 1 < rollout.step;
    return el("li" + (now ? ".now" : done ? ".done" : ""), { "aria-current": now && "step" },
      el("b", spaced(mirror ? mirror + " mirrored" : share), now && el("small", " now")),
      el("span", now ? present : done ? "✓ done" : "hold " + spaced(hold), approve && ", then you"),
      now && el("progress", { max: 1, value: 1 - left / (millis(hold) || 1), "aria-label": "of the hold" }));
  })));
}

function shares(service) {
  const { mirror, retained, stable, flags } = service;
  const also = name => el("small", name === stable && " stable",
    retained?.pools.includes(name) && ` kept as the way back for ${span(retained.left_ms - since())}`);
  return section("Shares",
    el("div.bars", el("span", "set"), bar(service, "share"), el("span", "measured"), bar(service, "share_measured")),
    table(["Pool", "Set", "Measured", "Req/s", "Errors", "p95", "p99", "In flight"], pools_of(service).map(([name, pool]) => [
      name, [swatch(service, name), name, also(name)], el("b", share(pool.share)), percent(pool.share_measured),
      rate(pool.requests_per_second), percent(pool.error_rate), ms(pool.p95_ms), ms(pool.p99_ms), pool.in_flight])),
    mirror && el("p.note", `Copies of ${spaced(mirror.share)} go to ${mirror.to}: `
      + `${mirror.answered} answered, ${mirror.failed} failed, ${mirror.dropped} dropped`),
    Object.entries(flags).map(([flag, part]) => el("p.note", `Flag ${flag}: ${spaced(part)} of the users`)));
}

// From bound to bound a bar, the value a point, the limit a line.
function interval({ value, lower, upper, limit, verdict }) {
  if (value == null || limit == null) return "";
  const low = Math.min(0, value, lower ?? 0), high = Math.max(value * 1.2, limit * 1.5, Math.min(upper ?? 0, limit * 3)) || 1;
  const x = number => 4 + 152 * Math.min(1, Math.max(0, (number - low) / (high - low))), from = x(lower ?? low);
  return el("svg.interval", { viewBox: "0 0 160 20" },
    el("line.axis", { x1: 4, x2: 156, y1: 10, y2: 10 }),
    el("rect." + verdict, { x: from, y: 6, width: Math.max(3, x(upper ?? high) - from), height: 8, rx: 2 }),
    el("circle", { cx: x(value), cy: 10, r: 4 }),
    el("line.limit", { x1: x(limit), x2: x(limit), y1: 1, y2: 19 }));
}

const kUnits = { rate: percent, seconds: known(x => ms(x * 1000)) };

function gate_row(one) {
  const { gate, unit, value, lower, upper, limit, verdict, warn, why, n_canary } = one, show = kUnits[unit] ?? known(x => digits(x, 3));
  const [tone, word] = verdict === "fail" ? ["bad", "fail"] : warn ? ["warn", "above the warning"]
    : verdict === "pass" ? ["good", "pass"] : ["calm", `no proof yet after ${n_canary}`];
  return [gate, gate.replaceAll("_", " ").replace(/ max .*/, ""),
    [show(value), value != null && el("small", ` (${show(lower)} to ${upper == null ? "any" : show(upper)})`)],
    interval(one), show(limit),
    [mark(tone), word, el("small", (verdict === "fail" || value == null) && " " + why)]];
}

const gates = ({ gates, to }) => section("Gates", table(["Gate", to, "Interval and limit", "Limit", "Verdict"], gates.map(gate_row)));

// --- plots

const kPoints = 180, kHeight = 112;
// Title, how a value is shown, the values of a pool. Errors are of half a minute: few requests make a jagged line.
const kPlots = [
  ["Error rate", percent, ({ requests, errors }) => requests.map((_, i) => {
    const late = column => sum(column.slice(Math.max(0, i - 5), i + 1));
    return late(requests) ? late(errors) / late(requests) : null;
  })],
  ["p95", ms, pool => pool.p95_ms], ["Requests/s", rate, pool => pool.requests.map(n => n / 5)], ["In flight", rate, pool => pool.in_flight],
];

// One digit and zeros.
function round_up(most) {
  const unit = 10 ** Math.floor(Math.log10(most));
  return unit * [1, 2, 3, 4, 6, 8, 10].find(n => n * unit >= most * 0.999);
}

function limit_of({ rollout }, title) {
  const found = rollout?.active && rollout.gates.find(({ gate }) => gate.replace("_", " ").startsWith(title.toLowerCase() + " max "))?.limit;
  return found ? title === "p95" ? found * 1000 : found : NaN;
}

function plot([title, show, values], service, pools, length) {
  const width = document.querySelector(".plot > svg")?.clientWidth || 320;
  const lines = pools.map(([name, pool]) => [name, values(pool)]), limit = limit_of(service, title);
  const most = Math.max(title === "Error rate" ? 0.01 : 1, ...lines.flatMap(([, line]) => line));
  const high = round_up(Math.max(most, limit < 20 * most ? limit * 1.1 : 0));
  const x = i => (width - (length - 1 - i) * width / (kPoints - 1)).toFixed(1);
  const y = value => (kHeight - 2 - (kHeight - 20) * value / high).toFixed(1);
  const flat = (kind, value) => el(kind, { x1: 0, x2: width, y1: y(value), y2: y(value) });
  const path = line => line.map((value, i) => value == null ? "" : (line[i - 1] == null ? "M" : "L") + x(i) + " " + y(value)).join("");
  const shifted = i => i > 0 && pools.some(([, { share }]) => share[i] !== share[i - 1] && share[i] + share[i - 1] > 0);
  const latest = line => show(line.at(-1)), said = lines.map(([name, line]) => name + " " + latest(line)).join(", ");
  return el("figure.plot", { "data-key": title },
    el("figcaption", el("b", title), lines.map(([name, line]) =>
      el("span", el("svg.key", { viewBox: "0 0 18 6" }, stroke(service, name, "M0 3H18")), latest(line)))),
    el("svg", { viewBox: `0 0 ${width} ${kHeight}`, height: kHeight, role: "img", "aria-label": `${title} of the last 15 minutes, now ${said}` },
      flat("line.axis", 0), flat("line.axis", high),
      pools[0]?.[1].share.map((_, i) => shifted(i) && el("line.shift", { x1: x(i), x2: x(i), y1: y(high), y2: y(0) })),
      limit <= high && [flat("line.limit", limit), el("text.limit", { x: width, y: y(limit) - 5, "text-anchor": "end" }, "limit " + show(limit))],
      lines.map(([name, line]) => stroke(service, name, path(line))),
      el("text", { x: 0, y: 12 }, show(high))));
}

// A line a minute, the latest first.
function minutes(pools, length, { until, interval_ms }) {
  const columns = pools.flatMap(([name, pool]) => kPlots.map(([title, show, values]) => [`${name} ${title}`, values(pool).map(show)]));
  const rows = [];
  for (let i = length - 1; i >= 0; i -= 12)
    rows.push([i, clock(Date.parse(until) - (length - 1 - i) * interval_ms), ...columns.map(([, shown]) => shown[i])]);
  return table(["Time", ...columns.map(([title]) => title)], rows);
}

function plots(service) {
  const samples = daemon.samples;
  if (samples?.service !== view.service) return "";
  const used = ([name, pool]) => service.pools[name]?.share > 0 || sum(pool.requests) > 0;
  const pools = Object.entries(samples.pools).filter(used), length = pools[0]?.[1].share.length ?? 0;
  return section("Last 15 minutes",
    el("div.grid", kPlots.map(one => plot(one, service, pools, length))),
    el("p.note", "Solid is stable, dashed is not. Upright lines: the shares changed."),
    el("details", el("summary", "As a table"), minutes(pools, length, samples)));
}

// --- backends, events, services

function standing({ admin, health, removing }) {
  if (admin === "draining") return ["move", removing ? "draining, then removed" : admin];
  if (admin !== "ready") return ["warn", admin];
  return [{ up: "good", down: "bad", ejected: "bad" }[health] ?? "calm", health];
}

function detail_of({ drain, last_error, resolve_error }) {
  if (!drain || drain.finished) return resolve_error || last_error || drain && `${drain.clean} finished, ${drain.forced} cut`;
  const { requests, tunnels, oldest_path, oldest_ms, left_ms, pace } = drain;
  return `${requests + tunnels} left` + (oldest_path ? `, oldest ${oldest_path} ${span(oldest_ms + since())}` : "")
    + (left_ms == null ? "" : `, cut in ${span(left_ms - since())}`)
    + (pace ? `; ${pace.left} at ${+pace.now.toFixed(1)}/s, ${span(pace.time_ms)}${pace.slowed ? ": " + pace.slowed : ""}` : "");
}

function backends(service) {
  const rows = pools_of(service).flatMap(([pool, { backends }]) => Object.entries(backends).map(([name, one]) => {
    const path = pool + "/" + name, [tone, word] = standing(one);
    return [path, [swatch(service, pool), path], [mark(tone), word, el("small", detail_of(one))], one.in_flight, one.requests, one.errors];
  }));
  return section("Backends", table(["Backend", "State", "In flight", "Requests", "Errors"], rows));
}

function event_line({ id, time, type, text, detail = {} }) {
  const tone = { ejected: "bad", warning: "warn", change: "move" }[type] ?? (detail.health === "down" ? "bad" : "calm");
  const change = detail.verb && [el("b", detail.verb), " ", detail.after, el("small", by(detail))];
  return el("li", { "data-key": id }, el("time", clock(time)), el("p", mark(tone), change || text));
}

function events() {
  const mine = daemon.events.filter(({ service, detail }) => !service || [service, ...detail?.services ?? []].includes(view.service));
  return section("Events", mine.length ? el("ol", { tabindex: 0, "aria-label": "The latest first" }, mine.slice(-40).reverse().map(event_line))
    : el("p.note", "Nothing yet."));
}

const kWide = matchMedia("(min-width: 1100px)");
kWide.onchange = () => document.querySelectorAll("nav details").forEach(list => { list.open = kWide.matches; });

// Worst first. In another order only when a state changes: nothing moves under the hand.
function sorted() {
  const all = Object.entries(daemon.status.services).map(([name, service]) => ({ name, service, ...service.headline }));
  const stamp = all.map(({ name, rank }) => rank + name).join();
  if (view.stamp !== stamp) {
    all.sort((a, b) => a.rank - b.rank || a.name.localeCompare(b.name, "en", { numeric: true }));
    view.order = new Map(all.map(({ name }, i) => [name, i]));
    view.stamp = stamp;
  }
  return all.sort((a, b) => view.order.get(a.name) - view.order.get(b.name));
}

const service_line = ({ name, service, tone, word }) => el("li", { "data-key": name },
  el("a", { href: hash_of(name), "aria-current": name === view.service && "page" },
    el("b", name), el("span", mark(tone), word), bar(service, "share"),
    el("small", rate(sum(pools_of(service).map(([, pool]) => pool.requests_per_second))), " req/s")));

function service_list() {
  const all = sorted(), shown = all.filter(({ name }) => name.toLowerCase().includes(view.filter));
  const look = all.filter(({ rank }) => rank < 5).length;
  return el("details.card", { "data-key": "list", open: kWide.matches },
    el("summary", el("h2", many(all.length, "service")), look ? `${look} to look at` : "all well"),
    el("input", { id: "filter", type: "search", placeholder: "Filter", "aria-label": "Filter services by name" }),
    el("ul", shown.map(service_line)), !shown.length && el("p.note", "No such service."));
}

// --- the whole

function token_card({ status, said: { detail, suggestion } }) {
  const form = [
    el("form", el("label", { for: "token" }, "Token"), el("input", { id: "token", type: "password", autocomplete: "off" }), el("button.go", "Look")),
    el("p.note", "sluicectl token NAME --role viewer makes one. It stays in this tab until you close it."),
  ];
  return el("section.card.token", el("h1", status === 401 ? "Who are you?" : "Not allowed"), el("p", detail), status === 401 ? form : el("p.note", suggestion));
}

function foot({ version, uptime_s, workers, connections, pid, upgrades }) {
  const counts = [many(workers, "worker"), many(connections, "client connection"), many(upgrades, "upgrade")].join(", ");
  return [el("span", `Sluice ${version}, up ${span(uptime_s * 1000 + since())}, pid ${pid}, ${counts}`),
    el("span", `You are ${daemon.who?.name}, ${daemon.who?.role}`), token() && button("forget", "Forget the token")];
}

function service_view(name, service) {
  const rollout = service.rollout?.active && service.rollout;
  return [
    el("div.middle", { "data-key": "middle" }, notices(daemon.status), headline(name, service, rollout), rollout && steps(rollout),
      shares(service), rollout && rollout.gates.length > 0 && gates(rollout), plots(service)),
    el("div.side", { "data-key": "side" }, backends(service), events()),
  ];
}

function render() {
  const { status } = daemon, { service: name, refused, heard } = view, service = status?.services[name], several = status && Object.keys(status.services).length > 1;
  document.body.className = several ? "several" : "";
  fill("top", top_bar());
  fill("services", several && !refused && service_list());
  fill("main", refused ? token_card(refused) : service ? service_view(name, service) : el("p.card", status ? "No service." : "Asking the daemon…"));
  fill("foot", status && foot(status));
  fill("banner", Date.now() - heard > kSilence && !refused && notice(`No data since ${clock(heard)}. What you see is old; asking again…`));
  if (service) tell(service);
}

// Who hears the page hears of states, not of seconds.
function tell(service) {
  const { word, text, how } = service.headline, other = pools_of(service).find(([name, pool]) => name !== service.stable && pool.share > 0);
  document.title = `${other ? share(other[1].share) + " " : ""}${word} - ${view.service}`;
  const stamp = [view.service, word, service.rollout?.step, text].join();
  if (stamp !== view.told) $("told").textContent = `${view.service}: ${word}. ${text}. ${how}.`;
  view.told = stamp;
}

function draw() {
  view.drawing ??= setTimeout(() => { view.drawing = null; render(); }, 30);
}

// --- what one does

function choose() {
  const names = Object.keys(daemon.status.services), before = view.service, hash = location.hash;
  view.service = names.find(name => hash_of(name) === hash) ?? names.find(name => name === before) ?? sorted()[0]?.name ?? "";
  if (hash_of(view.service) !== hash) history.replaceState(null, "", hash_of(view.service));
  if (view.service !== before) quietly([load_samples(), look_back()]);
}

// With a generation: nothing is done if another is in force, since what the button said may no longer be so.
async function act(said, method, path, body, generation) {
  const reply = await ask(method, path, body, generation && { "If-Match": `"${generation}"` }).then(answer => answer.json(), () => ({ detail: "the daemon does not answer" }));
  const { detail, suggestion, changed, why, warnings } = reply;
  if (detail) toast("bad", "Not done: " + [detail, suggestion].filter(Boolean).join("; "));
  else if (changed) toast("good", said, reply);
  else toast("good", "Unchanged: " + (why || warnings?.[0] || "it was so already"));
  soon(view.service);
}

function toast(tone, text, change) {
  fill("toast", el("div.card", mark(tone), el("p", text, change && el("code", change.undo)),
    change && button("undo", "Undo", "", { "data-generation": change.generation }), button("close", "Close")));
  clearTimeout(view.toast);
  view.toast = setTimeout(() => fill("toast"), 20000);
}

function ask_first(title, lines, label, ...change) {
  fill("ask", el("h2", { id: "h-ask" }, title), el("ul", lines.map(line => el("li", line))),
    el("div.acts", button("go", label), button("cancel", "Cancel")));
  view.go = () => act(...change);
  $("ask").showModal();
}

const pool_line = ([name, pool]) => `${name}: ${share(pool.share)} now, ${pool_numbers(pool)}, `
  + `${ready_of(pool)} of ${many(backends_of(pool).length, "backend")} ready`;
const on_rollout = (action, said) => name => act(said, "PATCH", path_of(name) + "/rollout", { action });

const kActs = {
  rollback: name => act("Rolled back", "POST", path_of(name) + "/rollback", null, daemon.back.generation),
  abort: on_rollout("abort", "Rolled back"), pause: on_rollout("pause", "The rollout is paused"), resume: on_rollout("resume", "The rollout goes on"),
  promote(name, { rollout, pools, headline }) {
    const { to, step, gates, plan_steps } = rollout, next = plan_steps[step];
    const judged = gates.map(({ gate, why, verdict }) => `${gate.replaceAll("_", " ")}: ${verdict}; ${why}`);
    ask_first(next ? `Promote ${to} to ${spaced(next.share)} now?` : `End the rollout with all requests at ${to}?`,
      [`It waits for ${headline.waits}`, ...judged, pool_line([to, pools[to]])],
      "Promote", "Promoted", "PATCH", path_of(name) + "/rollout", { action: "promote" }, daemon.status.generation);
  },
  cutover(name, service, { dataset: { pool } }) {
    ask_first(`Send all requests of ${name} to ${pool}?`, pools_of(service).map(pool_line), `Cut over to ${pool}`,
      `All requests go to ${pool}`, "POST", "/v1/cutover", { services: { [name]: pool } });
  },
  confirm: name => act("It stays", "POST", "/v1/confirm", { services: [name] }),
  release: name => act("The requests go on", "POST", path_of(name) + "/resume"),
  undo: (name, service, { dataset: { generation } }) => act("Undone", "POST", "/v1/undo", null, generation),
  close: () => fill("toast"), cancel: () => $("ask").close(), go: () => { $("ask").close(); view.go(); },
  forget() { sessionStorage.clear(); location.reload(); },
};

addEventListener("click", ({ target }) => {
  const pressed = target.closest?.("button[data-act]:enabled");
  if (pressed) kActs[pressed.dataset.act](view.service, daemon.status?.services[view.service], pressed);
});
addEventListener("input", ({ target }) => { if (target.id === "filter") view.filter = target.value.trim().toLowerCase(), draw(); });
addEventListener("submit", event => {
  event.preventDefault();
  sessionStorage.setItem(kToken, $("token").value.trim());
  view.again();
});
// A token behind # was sent to nobody; it is taken out of the address.
function take_token() {
  const found = /^#token=(.+)$/.exec(location.hash);
  if (!found) return;
  sessionStorage.setItem(kToken, found[1]);
  history.replaceState(null, "", location.pathname);
  return true;
}
addEventListener("hashchange", () => { if (take_token()) location.reload(); else if (daemon.status) choose(), draw(); });
addEventListener("resize", draw);

// Seconds count down. What no event tells of (verdicts, drains, holds) is asked for, often while something moves.
setInterval(() => {
  const { status } = daemon, service = status?.services[view.service];
  draw();
  view.ticks++;
  if (!view.live || !service) return;
  if (view.ticks % (service.headline.rank < 9 || status.predecessor ? 1 : 10) === 0) quietly([load(view.service)]);
  if (view.ticks % 5 === 0) quietly([load_samples()]);
}, 1000);

take_token();
follow();
