// Asks for the farm while the page's modules are still on their way: they take the connection over (rpc.js). It must ask
// what feed.js asks first, in that order, and nothing else.
(() => {
  const place = new URL('ws', document.baseURI);
  place.protocol = place.protocol.replace('http', 'ws');
  place.hash = '';
  let name = null;
  try { name = localStorage.getItem('brender-name'); } catch { /* a browser that keeps nothing */ }
  const first = [
    ['session.hello', { name: name || 'page', remember: false }],
    ['farm.subscribe', { topics: ['*', 'worker.load', 'job.progress'] }],
    ['farm.mirror', {}],
  ];
  const socket = new WebSocket(place);
  const early = { socket, heard: [], asked: new Map(first.map(([method], at) => [method, at + 1])) };
  socket.onmessage = (message) => early.heard.push(message.data);
  socket.onopen = () => first.forEach(([method, params], at) => socket.send(JSON.stringify({ jsonrpc: '2.0', id: at + 1, method, params })));
  globalThis.brenderEarly = early;
})();
