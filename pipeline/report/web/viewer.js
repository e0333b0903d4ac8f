// A crystal on a canvas: turned by the mouse, fingers or arrow keys, larger by wheel or plus and minus.

const START_TURN = [-1.25, 0.35]; // radians about the screen's x axis and the crystal's z axis: seen from the side, a little from above
const TURN = 0.12; // an arrow key

const startViewer = (canvas, legend, data) => {
  const context = canvas.getContext("2d");
  const look = (z) => data.elements[z] || { colour: [128, 128, 128], radius: 1.3 };
  const state = { scene: null, turn: [...START_TURN], zoom: 1, bonds: true };

  const projected = ([x, y, z]) => {
    const [tilt, spin] = state.turn;
    const [u, v] = [x * Math.cos(spin) - y * Math.sin(spin), x * Math.sin(spin) + y * Math.cos(spin)];
    return [u, v * Math.cos(tilt) - z * Math.sin(tilt), v * Math.sin(tilt) + z * Math.cos(tilt)];
  };

  const draw = () => {
    if (!state.scene || !canvas.clientWidth) return;
    const pixels = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = Math.round(width * pixels);
    canvas.height = Math.round(height * pixels);
    context.setTransform(pixels, 0, 0, pixels, 0, 0);
    const scale = (state.zoom * 0.49 * Math.min(width, height)) / state.scene.reach;
    const place = (point) => {
      const [x, y, depth] = projected(point);
      return [width / 2 + x * scale, height / 2 + y * scale, depth];
    };
    const style = getComputedStyle(canvas);
    const [line, bond] = [style.color, style.columnRuleColor]; // a colour that depends on light or dark is worked out in properties only
    const parts = [];
    const atoms = state.scene.atoms.map((atom) => ({ z: atom.z, at: place(atom.at) }));
    for (const atom of atoms) parts.push([atom.at[2], () => ball(context, atom.at, look(atom.z).radius * BALL * scale, look(atom.z).colour)]);
    const stroke = (from, to, colour, thick) => () => segment(context, from, to, colour, thick);
    if (state.bonds) {
      for (const [from, to] of state.scene.bonds.map((ends) => ends.map(place))) {
        parts.push([(from[2] + to[2]) / 2, stroke(from, to, bond, Math.min(Math.max(1.5, 0.13 * scale), 7))]);
      }
    }
    for (const [from, to] of state.scene.edges.map((edge) => edge.map(place))) parts.push([(from[2] + to[2]) / 2, stroke(from, to, line, 1.1)]);
    parts.sort((one, other) => one[0] - other[0]);
    for (const [, paint] of parts) paint();
  };

  const turn = (x, y) => {
    state.turn = [state.turn[0] + y, state.turn[1] + x];
    draw();
  };
  const zoom = (factor) => {
    state.zoom = Math.min(Math.max(state.zoom * factor, 0.3), 8);
    draw();
  };
  const reset = () => {
    state.turn = [...START_TURN];
    state.zoom = 1;
    draw();
  };

  listenToViewer(canvas, turn, zoom, reset);
  new ResizeObserver(draw).observe(canvas);
  return {
    show: (cell) => {
      state.scene = sceneOf(cell, (z) => look(z).radius);
      const present = [...new Set(cell.sites.map((site) => site.z))].sort((a, b) => b - a);
      legend.replaceChildren(...present.map((z) => legendItem(data.symbols[z - 1], look(z).colour)));
      reset();
    },
    bonds: (shown) => {
      state.bonds = shown;
      draw();
    },
    redraw: draw,
    reset,
  };
};

const listenToViewer = (canvas, turn, zoom, reset) => {
  const held = new Map();
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, [event.clientX, event.clientY]);
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    if (held.size === 1) turn((now[0] - before[0]) * 0.01, (before[1] - now[1]) * 0.01);
    else {
      const other = [...held].find(([id]) => id !== event.pointerId)[1];
      const apart = (point) => Math.max(Math.hypot(point[0] - other[0], point[1] - other[1]), 1);
      zoom(apart(now) / apart(before));
    }
    held.set(event.pointerId, now);
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => held.delete(event.pointerId));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== canvas) return; // the panel scrolls until one has taken hold of the crystal
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.0015));
  }, { passive: false });
  const keys = {
    ArrowLeft: () => turn(-TURN, 0), ArrowRight: () => turn(TURN, 0), ArrowUp: () => turn(0, TURN), ArrowDown: () => turn(0, -TURN),
    "+": () => zoom(1.2), "=": () => zoom(1.2), "-": () => zoom(1 / 1.2), 0: reset,
  };
  canvas.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // elsewhere in the panel the arrows turn pages
    keys[event.key]();
  });
};

const shade = (colour, factor) => `rgb(${colour.map((part) => Math.round(Math.min(255, part * factor + (factor > 1 ? 70 * (factor - 1) : 0)))).join(" ")})`;

const ball = (context, [x, y], radius, colour) => {
  const light = context.createRadialGradient(x - radius * 0.35, y - radius * 0.4, radius * 0.1, x, y, radius);
  light.addColorStop(0, shade(colour, 1.5));
  light.addColorStop(0.45, shade(colour, 1));
  light.addColorStop(1, shade(colour, 0.62));
  context.beginPath();
  context.arc(x, y, Math.max(radius, 1), 0, 2 * Math.PI);
  context.fillStyle = light;
  context.fill();
};

const segment = (context, from, to, colour, thick) => {
  context.beginPath();
  context.moveTo(from[0], from[1]);
  context.lineTo(to[0], to[1]);
  context.strokeStyle = colour;
  context.lineWidth = thick;
  context.stroke();
};

const legendItem = (symbol, colour) => {
  const dot = make("span", "dot");
  dot.style.setProperty("background", shade(colour, 1)); // by the style's own interface, which the policy allows
  return make("li", "", dot, symbol);
};
