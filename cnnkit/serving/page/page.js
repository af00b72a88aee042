"use strict";
// The page of a cnnkit server: pictures go to /predict, what comes back is drawn. Nothing is asked of other machines.

const LARGEST = 1280; // pixels of the longer side that are drawn
const MOST_BARS = 5;
const MOST_BOXES = 20;
const LEAST_SCORE = 0.3; // of boxes that are drawn
const TRIES = 4; // while the server is full
const by = (id) => document.getElementById(id);

let models = [];
let token = sessionStorage.getItem("token") || "";
let waiting = [];

async function ask(address, options = {}) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  for (let attempt = 1; ; attempt += 1) {
    let response;
    try {
      response = await fetch(address, { ...options, headers });
    } catch {
      throw new Error("The server does not answer. Is it still running?");
    }
    if (response.ok) return response;
    if (response.status === 503 && attempt < TRIES) {
      await new Promise((done) => setTimeout(done, 1000 * Number(response.headers.get("Retry-After") || 1)));
      continue;
    }
    if (response.status === 401) by("key").hidden = false;
    const { error } = await response.json();
    throw new Error(`Expected ${error.expected}. Received: ${error.received}. ${error.remedy}`);
  }
}

function alarm(text) {
  by("alert").textContent = text;
  by("alert").hidden = !text;
}

function chosen() {
  return models.find((model) => model.name === by("model").value) || models[0];
}

async function start() {
  try {
    models = (await (await ask("models")).json()).models;
  } catch (error) {
    alarm(error.message);
    return;
  }
  alarm("");
  by("key").hidden = true;
  by("model").replaceChildren(...models.map((model) => new Option(model.name, model.name)));
  by("models").hidden = models.length < 2;
  const again = waiting;
  waiting = [];
  if (again.length) await take(again);
}

async function take(files) {
  const pictures = [...files];
  if (!pictures.length) return;
  if (!models.length) {
    waiting.push(...pictures);
    return;
  }
  alarm("");
  const faults = [];
  for (const [number, file] of pictures.entries()) {
    by("status").textContent = `Looking at ${file.name} (${number + 1} of ${pictures.length}) …`;
    try {
      await look(file, chosen());
    } catch (error) {
      faults.push(`${file.name}: ${error.message}`);
    }
  }
  by("status").textContent = faults.length ? "" : `${pictures.length} done.`;
  alarm(faults.join("\n"));
}

function form(file) {
  const data = new FormData();
  data.append("files", file, file.name);
  return { method: "POST", body: data };
}

async function look(file, model) {
  const answer = await (await ask(`predict/${model.name}`, form(file))).json();
  // Imported, not cloned: the document of a template has no fonts, and a canvas in it draws no text.
  const article = document.importNode(by("result").content, true).firstElementChild;
  const canvas = article.querySelector("canvas");
  await draw(canvas, file, answer.pictures[0]);
  article.querySelector("figcaption").textContent = file.name;
  canvas.setAttribute("role", "img");
  if (answer.table.length && answer.table[0].probabilities) showBars(article, answer.table[0]);
  else await showPlaces(article, canvas, answer, model);
  canvas.setAttribute("aria-label", `${file.name}: ${article.querySelector("h2").textContent}`);
  if (model.explains) offerWhy(article, canvas, file, model);
  by("results").prepend(article);
}

async function draw(canvas, file, picture) {
  const scale = Math.min(1, LARGEST / Math.max(picture.width, picture.height));
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext("2d");
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  } catch {
    // The server reads formats that this browser does not (TIFF, HEIC).
    context.fillStyle = "#888888";
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
}

function bar(name, share, text, colour) {
  const item = document.createElement("li");
  const label = document.createElement("span");
  if (colour) {
    const key = document.createElement("i");
    key.className = "key";
    key.style.background = colour;
    label.append(key);
  }
  label.append(name);
  const number = document.createElement("span");
  number.textContent = text;
  item.append(label, number);
  if (share !== null) {
    const track = document.createElement("div");
    const fill = document.createElement("i");
    track.className = "bar";
    fill.style.width = `${100 * share}%`;
    track.append(fill);
    item.append(track);
  }
  return item;
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function showBars(article, row) {
  article.querySelector("h2").textContent = row.label.split("|").join(", ") || "none of the labels";
  const sorted = Object.entries(row.probabilities).sort((one, other) => other[1] - one[1]);
  const bars = sorted.slice(0, MOST_BARS).map(([name, share]) => bar(name, share, percent(share)));
  article.querySelector(".bars").replaceChildren(...bars);
}

async function showPlaces(article, canvas, answer, model) {
  const scale = canvas.width / answer.pictures[0].width;
  const title = article.querySelector("h2");
  const list = article.querySelector(".bars");
  const colour = (name) => model.colours[model.classes.indexOf(name)] || "#56B4E9";
  if (answer.kind === "boxes") {
    const sure = answer.table.filter((row) => (row.score ?? 1) >= LEAST_SCORE);
    const rows = sure.sort((one, other) => (other.score ?? 1) - (one.score ?? 1)).slice(0, MOST_BOXES);
    title.textContent = rows.length ? `${rows.length} found` : "nothing found";
    for (const row of [...rows].reverse()) drawBox(canvas, row, scale, colour(row.label));
    list.replaceChildren(...rows.map((row) => bar(row.label, null, percent(row.score ?? 1), colour(row.label))));
  } else if (answer.kind === "masks") {
    const shares = await drawMask(canvas, answer.table[0].mask, model.colours);
    const rows = model.classes.map((name, index) => [name, shares[index] || 0, model.colours[index]]);
    rows.sort((one, other) => other[1] - one[1]);
    title.textContent = "classes of pixels";
    list.replaceChildren(...rows.map(([name, share, tint]) => bar(name, share, percent(share), tint)));
  } else {
    title.textContent = answer.kind;
    if (answer.kind === "points") drawPoints(canvas, answer.table[0], scale, model);
  }
}

function drawBox(canvas, row, scale, colour) {
  const context = canvas.getContext("2d");
  const size = Math.max(12, canvas.width / 40);
  const [x, y, width, height] = [row.x, row.y, row.width, row.height].map((side) => side * scale);
  context.lineWidth = Math.max(2, canvas.width / 250);
  context.strokeStyle = colour;
  context.strokeRect(x, y, width, height);
  context.font = `600 ${size}px system-ui, sans-serif`;
  const text = row.label;
  const top = y > 1.4 * size ? y - 1.4 * size : y;
  context.fillStyle = colour;
  context.fillRect(x, top, context.measureText(text).width + size, 1.4 * size);
  context.fillStyle = "#000000";
  context.fillText(text, x + size / 2, top + 1.05 * size);
}

async function drawMask(canvas, png, colours) {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const layer = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = layer.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, layer.width, layer.height);
  const tints = colours.map((text) => [1, 3, 5].map((place) => parseInt(text.slice(place, place + 2), 16)));
  const counts = new Array(colours.length).fill(0);
  for (let place = 0; place < pixels.data.length; place += 4) {
    const index = pixels.data[place];
    const tint = tints[index];
    if (tint) counts[index] += 1;
    pixels.data.set(tint ? [...tint, 150] : [0, 0, 0, 0], place);
  }
  context.putImageData(pixels, 0, 0);
  const shown = canvas.getContext("2d");
  shown.imageSmoothingEnabled = false;
  shown.drawImage(layer, 0, 0, canvas.width, canvas.height);
  return counts.map((count) => (4 * count) / pixels.data.length);
}

function drawPoints(canvas, row, scale, model) {
  const context = canvas.getContext("2d");
  model.classes.forEach((name, index) => {
    context.fillStyle = model.colours[index];
    context.beginPath();
    context.arc(row[`${name}_x`] * scale, row[`${name}_y`] * scale, Math.max(4, canvas.width / 100), 0, 7);
    context.fill();
  });
}

function offerWhy(article, canvas, file, model) {
  const button = article.querySelector(".explain");
  const before = document.createElement("canvas");
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-pressed") === "true") {
      [canvas.width, canvas.height] = [before.width, before.height];
      canvas.getContext("2d").drawImage(before, 0, 0);
      button.setAttribute("aria-pressed", "false");
      return;
    }
    button.disabled = true;
    try {
      const picture = await createImageBitmap(await (await ask(`gradcam/${model.name}`, form(file))).blob());
      [before.width, before.height] = [canvas.width, canvas.height];
      before.getContext("2d").drawImage(canvas, 0, 0);
      // What the network sees: the framed picture, enlarged to about the size of the photograph.
      const scale = Math.max(1, Math.min(before.width, before.height) / Math.min(picture.width, picture.height));
      [canvas.width, canvas.height] = [picture.width * scale, picture.height * scale];
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      button.setAttribute("aria-pressed", "true");
      alarm("");
    } catch (error) {
      alarm(error.message);
    }
    button.disabled = false;
    button.focus();
  });
}

async function film() {
  if (!navigator.mediaDevices) {
    by("capture").click(); // a telephone opens its own camera
    return;
  }
  try {
    by("video").srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    by("capture").click();
    return;
  }
  by("film").showModal();
}

function cut() {
  by("video").srcObject?.getTracks().forEach((track) => track.stop());
  by("video").srcObject = null;
}

async function snap() {
  const video = by("video");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
  by("film").close();
  await take([new File([blob], "camera.jpg", { type: "image/jpeg" })]);
}

by("choose").addEventListener("click", () => by("files").click());
by("camera").addEventListener("click", film);
by("snap").addEventListener("click", snap);
by("leave").addEventListener("click", () => by("film").close());
by("film").addEventListener("close", cut);
for (const id of ["files", "capture"]) {
  by(id).addEventListener("change", async (event) => {
    await take(event.target.files);
    event.target.value = ""; // the same file again is a change too
  });
}
by("key").addEventListener("submit", (event) => {
  event.preventDefault();
  token = by("token").value;
  sessionStorage.setItem("token", token);
  start();
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    by("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files);
  });
}
document.addEventListener("paste", (event) => take(event.clipboardData.files));
start();
