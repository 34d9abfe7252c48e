// A small viewer of the OpenAPI document: operations by tag, their parameters, bodies and answers.
const make = (name, props, ...children) => {
  const e = Object.assign(document.createElement(name), props);
  e.append(...children.filter((c) => c != null && c !== ""));
  return e;
};

let doc;

const resolve = (s) => (s && s.$ref ? doc.components.schemas[s.$ref.split("/").pop()] : s);

// sketch writes a schema as a person would sketch it.
const sketch = (schema, depth = 0, seen = []) => {
  if (!schema) return "";
  const name = schema.$ref;
  if (name && seen.includes(name)) return "…";
  const s = resolve(schema);
  const inner = name ? [...seen, name] : seen;
  const pad = "  ".repeat(depth + 1);
  if (s.enum) return s.enum.map((v) => JSON.stringify(v)).join(" | ");
  const type = Array.isArray(s.type) ? s.type[0] : s.type;
  if (type === "object" && s.properties) {
    const lines = Object.entries(s.properties).map(([k, v]) => {
      const must = (s.required || []).includes(k) ? "" : "?";
      const about = resolve(v).description || v.description;
      return `${pad}${k}${must}: ${sketch(v, depth + 1, inner)}${about ? "   // " + about : ""}`;
    });
    return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
  }
  if (type === "object" && s.additionalProperties) return `{ [name]: ${sketch(s.additionalProperties, depth, inner)} }`;
  if (type === "array") return `[ ${sketch(s.items, depth, inner)} ]`;
  return [type || "any", s.format && `(${s.format})`].filter(Boolean).join(" ");
};

const bodies = (content) =>
  Object.entries(content || {}).map(([type, m]) => make("div", {}, make("code", { textContent: type }), make("pre", { textContent: sketch(m.schema) })));

const scopeOf = (o) => (o.security && o.security[0] && Object.values(o.security[0])[0].join(", ")) || "everybody";

const operation = (method, path, o) => {
  const inside = make("div", { className: "inside" });
  const built = () => {
    if (inside.childNodes.length) return;
    if (o.description) inside.append(make("p", { textContent: o.description }));
    if (o.parameters && o.parameters.length) {
      const table = make("table", {});
      for (const p of o.parameters) {
        table.append(make("tr", {}, make("td", {}, make("code", { textContent: p.name })), make("td", { textContent: p.in + (p.required ? ", required" : "") }),
          make("td", { textContent: sketch(p.schema) }), make("td", { textContent: p.description || "" })));
      }
      inside.append(make("h3", { textContent: "Parameters" }), table);
    }
    if (o.requestBody) inside.append(make("h3", { textContent: "Body" }), ...bodies(o.requestBody.content));
    for (const [code, r] of Object.entries(o.responses || {})) {
      inside.append(make("h3", { textContent: `${code} ${r.description || ""}` }), ...(code < "300" ? bodies(r.content) : []));
    }
  };
  const d = make("details", {}, make("summary", {}, make("span", { className: "scope", textContent: scopeOf(o) }), make("span", { className: "method", textContent: method.toUpperCase() }),
    make("code", { textContent: path }), o.summary || ""), inside);
  d.addEventListener("toggle", built);
  d.dataset.text = `${method} ${path} ${o.summary || ""} ${o.operationId || ""}`.toLowerCase();
  return d;
};

const show = () => {
  document.getElementById("about").textContent = `${doc.info.description || ""} Version ${doc.info.version}.`;
  const tags = new Map((doc.tags || []).map((t) => [t.name, []]));
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const [method, o] of Object.entries(item)) {
      if (!["get", "put", "post", "delete", "patch"].includes(method)) continue;
      const tag = (o.tags && o.tags[0]) || "Other";
      if (!tags.has(tag)) tags.set(tag, []);
      tags.get(tag).push(operation(method, path, o));
    }
  }
  const main = document.getElementById("operations");
  for (const [tag, list] of tags) if (list.length) main.append(make("section", {}, make("h2", { textContent: tag }), ...list));
  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const d of main.querySelectorAll("details")) d.hidden = !words.every((w) => d.dataset.text.includes(w));
    for (const s of main.querySelectorAll("section")) s.hidden = ![...s.querySelectorAll("details")].some((d) => !d.hidden);
  });
};

fetch("openapi.json")
  .then((r) => r.json())
  .then((d) => { doc = d; show(); })
  .catch((e) => { document.getElementById("about").textContent = `The OpenAPI document could not be loaded: ${e}`; });
