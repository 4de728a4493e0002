// Makes LocalStack's Kinesis listen on loopback only. It is a Node.js program that listens on every interface and has
// no option for it.
const { Server } = require("node:net");

const { listen } = Server.prototype;
Server.prototype.listen = function (port, _host, listening) {
  return listen.call(this, port, "127.0.0.1", listening);
};
