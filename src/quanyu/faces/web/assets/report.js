// Help with the report form: smaller photos, the place from the device, a mark on the sketch map. The form works without.
const form = document.getElementById('report');
const by = (id) => document.getElementById(id);
const SIDE = 1600;
const SMALL_BYTES = 700_000;

async function smaller(file) {
  if (file.size <= SMALL_BYTES) return file;
  const image = await createImageBitmap(file, { imageOrientation: 'from-image' });
  const share = Math.min(1, SIDE / Math.max(image.width, image.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(image.width * share);
  canvas.height = Math.round(image.height * share);
  canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.85));
  return blob && blob.size < file.size ? new File([blob], 'photo.jpg', { type: 'image/jpeg' }) : file;
}

const photo = by('photo');
let pending = null;
photo?.addEventListener('change', () => {
  const note = by('photo-note');
  note.textContent = form.dataset.photoBusy;
  const work = (async () => {
    const files = new DataTransfer();
    for (const file of [...photo.files].slice(0, 3)) files.items.add(await smaller(file).catch(() => file));
    photo.files = files.files;
    note.textContent = [...photo.files].map((file) => `${Math.max(1, Math.round(file.size / 1024))} KB`).join(' · ');
  })();
  pending = work.finally(() => (pending = null));
});

form.addEventListener('submit', (event) => {
  if (!pending) return;
  event.preventDefault();
  const button = event.submitter;
  // A form that is being sent takes no second order: ask again once this event is over.
  pending.finally(() => setTimeout(() => form.requestSubmit(button)));
});

const svg = document.querySelector('#map svg');
const lon = by('lon');
const lat = by('lat');
const address = by('address');

function place(east, north) {
  const { west, south, east: right, north: top } = Object.fromEntries(Object.entries(svg.dataset).map(([k, v]) => [k, Number(v)]));
  const note = by('gps-note');
  if (!(east >= west && east <= right && north >= south && north <= top)) {
    note.textContent = form.dataset.outside;
    return;
  }
  lon.value = east.toFixed(6);
  lat.value = north.toFixed(6);
  note.textContent = `${form.dataset.placed} ${north.toFixed(4)}, ${east.toFixed(4)}`;
  by('placed')?.remove();
  const whole = svg.dataset.whole.split(' ').map(Number);
  draw(((east - west) / (right - west)) * whole[2], ((top - north) / (top - south)) * whole[3]);
}

let mark = null;
function draw(x, y) {
  mark = [x, y];
  const size = 7 * zoomed();
  by('pin').setAttribute('d', `M${x - size} ${y}H${x + size}M${x} ${y - size}V${y + size}M${x - size / 2} ${y}a${size / 2} ${size / 2} 0 1 0 ${size} 0a${size / 2} ${size / 2} 0 1 0 ${-size} 0`);
  const nearest = [...svg.querySelectorAll('g')].map((each) => [Math.hypot(each.dataset.x - x, each.dataset.y - y), each.dataset.code]);
  const select = by('district');
  if (!select.value) select.value = nearest.sort((a, b) => a[0] - b[0])[0]?.[1] ?? '';
}

const view = () => svg.getAttribute('viewBox').split(' ').map(Number);
const zoomed = () => view()[2] / Number(svg.dataset.whole.split(' ')[2]);

function toDegrees(x, y) {
  const [, , width, height] = svg.dataset.whole.split(' ').map(Number);
  const { west, south, east, north } = svg.dataset;
  place(Number(west) + (x / width) * (east - west), Number(north) - (y / height) * (north - south));
}

function zoom(factor) {
  const [, , width, height] = svg.dataset.whole.split(' ').map(Number);
  const [x, y, w, h] = view();
  const scale = Math.min(1, Math.max(0.004, (w * factor) / width));
  const [cx, cy] = mark ?? centreOfChosen() ?? [x + w / 2, y + h / 2];
  const left = Math.min(width - width * scale, Math.max(0, cx - (width * scale) / 2));
  const top = Math.min(height - height * scale, Math.max(0, cy - (height * scale) / 2));
  svg.setAttribute('viewBox', `${left} ${top} ${width * scale} ${height * scale}`);
  for (const group of svg.querySelectorAll('g')) {
    group.setAttribute('transform', `translate(${group.dataset.x} ${group.dataset.y}) scale(${scale}) translate(${-group.dataset.x} ${-group.dataset.y})`);
  }
  if (mark) draw(...mark);
}

function centreOfChosen() {
  const group = svg.querySelector(`g[data-code="${CSS.escape(by('district').value)}"]`);
  return group && [Number(group.dataset.x), Number(group.dataset.y)];
}

if (svg) {
  svg.dataset.whole = svg.getAttribute('viewBox');
  by('map').hidden = false;
  by('map').addEventListener('toggle', () => {
    if (by('map').open && !mark && centreOfChosen()) zoom(0.1);
  });
  if (lon.value && lat.value) place(Number(lon.value), Number(lat.value));
  for (const button of document.querySelectorAll('[data-zoom]')) button.addEventListener('click', () => zoom(Number(button.dataset.zoom)));
  svg.addEventListener('click', (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    toDegrees(point.x, point.y);
  });
  svg.addEventListener('keydown', (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === '+' || event.key === '-') zoom(event.key === '+' ? 0.4 : 2.5);
    if (!way) return;
    event.preventDefault();
    const [x, y, w, h] = view();
    const [cx, cy] = mark ?? [x + w / 2, y + h / 2];
    toDegrees(cx + (way[0] * w) / 40, cy + (way[1] * h) / 40);
  });
}

const gps = by('gps');
if (gps && navigator.geolocation && window.isSecureContext) {
  gps.hidden = false;
  gps.querySelector('button').addEventListener('click', () => {
    const note = by('gps-note');
    note.textContent = form.dataset.gpsBusy;
    navigator.geolocation.getCurrentPosition(
      (found) => place(found.coords.longitude, found.coords.latitude),
      () => {
        note.textContent = form.dataset.gpsFailed;
        address?.focus();
      },
      { enableHighAccuracy: true, timeout: 10_000 },
    );
  });
}
