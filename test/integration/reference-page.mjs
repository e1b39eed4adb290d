// What reference.test.ts asks of a page of the API reference. The browser runs it before the scripts of each page.
const LEAST_CONTRAST = 4.5;
const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
const colours = new Map();

/** Returns a colour of CSS as red, green and blue from 0 to 255 and alpha from 0 to 1. */
function parseColour(text) {
  if (!colours.has(text)) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    colours.set(text, [red, green, blue, alpha / 255]);
  }
  return colours.get(text);
}

function blend([red, green, blue, alpha], below) {
  return [red, green, blue].map((value, index) => value * alpha + below[index] * (1 - alpha));
}

/** Returns the relative luminance of WCAG 2. */
function luminanceOf(colour) {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrastOf(a, b) {
  const [dark, light] = [luminanceOf(a), luminanceOf(b)].toSorted((one, other) => one - other);
  return (light + 0.05) / (dark + 0.05);
}

/** Returns what lies behind the text of an element, and how opaque the element is. Each element is looked at once. */
function groundOf(element, known) {
  if (element === null) return { background: [255, 255, 255], opacity: 1 };
  if (!known.has(element)) {
    const { backgroundColor, opacity } = getComputedStyle(element);
    const below = groundOf(element.parentElement, known);
    const background = blend(parseColour(backgroundColor), below.background);
    known.set(element, { background, opacity: below.opacity * Number(opacity) });
  }
  return known.get(element);
}

/** Returns the texts in sight, by the elements that they are in. */
function visibleTexts() {
  const found = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    if (data.trim() !== '') found.set(parentElement, [...(found.get(parentElement) ?? []), walker.currentNode]);
  }
  const isShown = { opacityProperty: true, visibilityProperty: true };
  return new Map([...found].filter(([element]) => !element.matches('option') && element.checkVisibility(isShown)));
}

/** Returns where a text ends on the right, without the white space after it. */
function rightEdgeOf(text) {
  const range = document.createRange();
  range.setStart(text, text.data.search(/\S/));
  range.setEnd(text, text.data.trimEnd().length);
  return range.getBoundingClientRect().right;
}

function describeElement(element) {
  return `${element.tagName.toLowerCase()}.${[...element.classList].join('.')} "${element.textContent.trim().slice(0, 40)}"`;
}

function isInsideScroller(element) {
  if (element === null) return false;
  return /auto|scroll/.test(getComputedStyle(element).overflowX) || isInsideScroller(element.parentElement);
}

globalThis.goldkey = {
  /** Resolves when the menu has been drawn, which is the last thing that a page does. */
  async settled() {
    const menu = document.querySelector('#tsd-nav-container');
    while (menu.querySelector('a') === null) await new Promise((resolve) => setTimeout(resolve, 5));
  },

  /** Returns the visible texts whose contrast is too low: one for each pair of colours. */
  faintTexts() {
    const known = new Map();
    const faint = new Map();
    for (const element of visibleTexts().keys()) {
      const { background, opacity } = groundOf(element, known);
      const [red, green, blue, alpha] = parseColour(getComputedStyle(element).color);
      const colour = blend([red, green, blue, alpha * opacity], background);
      const contrast = contrastOf(colour, background);
      if (contrast >= LEAST_CONTRAST) continue;
      const pair = `${colour.map(Math.round).join(',')} on ${background.map(Math.round).join(',')}`;
      faint.set(pair, `${contrast.toFixed(2)} (${pair}): ${describeElement(element)}`);
    }
    return [...faint.values()];
  },

  /** Returns the texts that end beyond the edge of the screen, and whether the page does. */
  wideTexts() {
    const isWide = (text) => rightEdgeOf(text) > innerWidth + 1;
    const wide = [...visibleTexts()].filter(([element, texts]) => texts.some(isWide) && !isInsideScroller(element));
    const pixels = document.documentElement.scrollWidth - innerWidth;
    const page = pixels > 0 ? [`the page is ${pixels} px too wide`] : [];
    return [...page, ...wide.map(([element]) => describeElement(element))];
  },

  /** Returns the heading and the number of characters of what the page is about. */
  content() {
    const content = document.querySelector('.col-content');
    return { heading: content?.querySelector('h1')?.textContent ?? '', characters: content?.innerText.length ?? 0 };
  },

  /** Returns where the links lead that the page's scripts have made, too. */
  links() {
    return [...document.querySelectorAll('a[href]')].map(({ href }) => href);
  },

  /** Opens the menu of a small screen, and returns whether it is in sight then. */
  async openMenu() {
    const button = document.querySelector('[data-toggle="menu"]');
    button.dispatchEvent(new MouseEvent('mouseup', { bubbles: true }));
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
    const { left, right } = document.querySelector('#tsd-nav-container a').getBoundingClientRect();
    return left >= 0 && right <= innerWidth;
  },

  /** Opens the search, and resolves when it is ready. */
  async openSearch() {
    document.querySelector('#tsd-search-trigger').click();
    const status = document.querySelector('#tsd-search-status');
    while (status.textContent !== '') await new Promise((resolve) => setTimeout(resolve, 5));
  },

  /** Returns the addresses that the search has found, best first. */
  async searchResults() {
    const results = document.querySelector('#tsd-search-results');
    while (results.querySelector('a') === null) await new Promise((resolve) => setTimeout(resolve, 5));
    return [...results.querySelectorAll('a')].map(({ href }) => href);
  },
};
