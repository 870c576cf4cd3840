// Preloaded into somebody else's WebSocket tests (tests/integration/test_websocket_suite.py). They number their ports by
// themselves: each server gets a place where the proxy expects one of its backends, and who connects to that server's
// port is led to the listener of the proxy that leads there.
'use strict';
const net = require('net');
const tls = require('tls');

// {"clear": [{"backend": "HOST:PORT", "proxy": "HOST:PORT"}, ...], "secure": [...]}
const places = JSON.parse(process.env.SUITE_PLACES);
const proxyOf = new Map(); // by the port that the test gave

function endOf(address) {
  const [host, port] = address.split(':');
  return { host, port: Number(port) };
}

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== 'number') return listen.call(this, port, ...rest); // a path
  const place = (this instanceof tls.Server ? places.secure : places.clear).shift();
  if (!place) throw new Error('more servers than the proxy has places for');
  proxyOf.set(port, endOf(place.proxy));
  return listen.call(this, endOf(place.backend), ...rest.filter((each) => typeof each === 'function'));
};

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0]; // the first is what net.connect makes of its own
  const proxy = proxyOf.get(Number(options.port));
  if (proxy) Object.assign(options, proxy);
  return connect.apply(this, args);
};
