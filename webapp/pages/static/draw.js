// What our pages share: waveforms, times, and what the server says.

// Draw `peaks` ([lowest, highest, ...], 1 at full scale) into a canvas in its own colour, `loudest` filling its height.
export function drawWaveform(canvas, peaks, loudest = 1) {
  const scale = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale);
  const height = Math.round(canvas.clientHeight * scale);
  if (!width || !height) return;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.fillStyle = getComputedStyle(canvas).color;
  const columns = peaks.length / 2;
  const middle = height / 2;
  const factor = (middle * 0.95) / Math.max(loudest, 1e-6);
  for (let x = 0; x < width; x++) {
    const first = Math.floor((x * columns) / width);
    const last = Math.max(first + 1, Math.floor(((x + 1) * columns) / width));
    let low = 0;
    let high = 0;
    for (let i = first; i < last; i++) {
      low = Math.min(low, peaks[2 * i]);
      high = Math.max(high, peaks[2 * i + 1]);
    }
    const top = middle - high * factor;
    context.fillRect(x, top, 1, Math.max(scale, (high - low) * factor));
  }
}

// Call `draw` now, and again whenever `element` has another size or the colours change.
export function whenever(element, draw) {
  new ResizeObserver(draw).observe(element);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

// A press on a waveform, or dragging along it, calls `seek(share)`. A finger may also scroll the page there, so only
// its tap or sideways drag goes anywhere.
export function seekBy(wave, seek) {
  let from = null;
  const to = (event) => {
    const box = wave.getBoundingClientRect();
    seek(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  };
  wave.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = event.clientX;
    if (event.pointerType === "touch") return;
    wave.setPointerCapture(event.pointerId);
    to(event);
  });
  wave.addEventListener("pointermove", (event) => {
    if (from === null || (event.pointerType === "touch" && Math.abs(event.clientX - from) < 8)) return;
    to(event);
  });
  wave.addEventListener("pointerup", (event) => {
    if (from !== null && event.pointerType === "touch") to(event);
    from = null;
  });
  wave.addEventListener("pointercancel", () => {
    from = null;
  });
}

export function loudest(...peaks) {
  return peaks.reduce((most, each) => each.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
}

// 75 -> "1:15"; with one decimal "1:15.0"
export function clock(seconds, decimals = 0) {
  const ticks = Math.max(0, Math.floor(seconds * 10 ** decimals + 1e-6));
  const whole = Math.floor(ticks / 10 ** decimals);
  const minutes = Math.floor(whole / 60);
  const part = decimals ? `.${String(ticks % 10 ** decimals).padStart(decimals, "0")}` : "";
  const rest = String(whole % 60).padStart(2, "0") + part;
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

// 75 -> "about 1 minute"; for what is left to wait
export function about(seconds) {
  if (seconds < 10) return "a few seconds";
  if (seconds < 90) return `about ${Math.ceil(seconds / 5) * 5} seconds`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} minutes`;
  return `about ${Math.round(seconds / 3600)} hours`;
}

// What some answers mean that have no words of their own.
export const SAID = {
  404: "This is not here.",
  410: "This result is no longer here.",
  503: "The server has too much to do. Try again in a moment.",
};

// What the server answers as JSON; an Error with its message for people otherwise.
export async function ask(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, options);
  } catch {
    throw new Error("The server does not answer.");
  }
  const text = await answer.text();
  let content = {};
  try {
    content = text ? JSON.parse(text) : {};
  } catch {
    content = {};
  }
  if (!answer.ok) {
    const error = new Error(content.message || SAID[answer.status] || `The server answered ${answer.status}.`);
    error.status = answer.status;
    throw error;
  }
  return content;
}

// An element with attributes and children: make("p", { class: "note" }, "text", other)
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in element && typeof value !== "string") element[key] = value;
    else if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}
