"""A proxy auto-configuration file: blocked hosts go to a proxy that is not there, everything else goes directly.

Reference: https://developer.mozilla.org/en-US/docs/Web/HTTP/Proxy_servers_and_tunneling/Proxy_Auto-Configuration_PAC_file
(unverified from here)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from detector.exchange.blocking import block_list
from detector.exchange.plug import Export

if TYPE_CHECKING:
    from detector.exchange.selection import Selection

_FUNCTION = """
function FindProxyForURL(url, host) {
  host = host.toLowerCase().replace(/\\.$/, "");
  if (Object.prototype.hasOwnProperty.call(hosts, host)) return blocked;
  while (host) {
    if (Object.prototype.hasOwnProperty.call(suffixes, host)) return blocked;
    var dot = host.indexOf(".");
    host = dot < 0 ? "" : host.substring(dot + 1);
  }
  return "DIRECT";
}
"""


def render(selection: Selection) -> str:
    """A script; the discard port of the own machine is the proxy that is not there."""
    found = block_list(selection)
    lists = "".join(
        f"var {name} = {json.dumps(dict.fromkeys(values, 1), indent=0)};\n"
        for name, values in (("suffixes", found.suffixes), ("hosts", found.hosts))
    )
    return found.comment("//") + 'var blocked = "PROXY 127.0.0.1:9";\n' + lists + _FUNCTION.lstrip("\n")


EXPORT = Export(name="pac", render=render)
