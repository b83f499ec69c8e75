// What every view and part is written with, in one import: htm bound to Preact, hooks, signals.
import { h, render, Fragment } from './vendor/preact.mjs';
import htm from './vendor/htm.mjs';
import './vendor/signals.mjs'; // components follow the signals they read

export const html = htm.bind(h);
export { h, render, Fragment };
export { useEffect, useLayoutEffect, useMemo, useRef, useState, useCallback } from './vendor/hooks.mjs';
export { signal, computed, effect, batch, untracked } from './vendor/signals-core.mjs';
