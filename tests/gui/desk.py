"""What xdotool cannot do to a window: drop files on it (XDND, version 5), and ask it to close (WM_DELETE_WINDOW).

desk.py drop WINDOW FILE…       desk.py close WINDOW       desk.py close-covered WINDOW
"""

import pathlib
import select
import sys
import time

from Xlib import X, display
from Xlib.protocol import event

PATIENCE = 120
d = display.Display()


def atom(name):
    return d.intern_atom(name)


def send(target, kind, *data):
    message = event.ClientMessage(window=target, client_type=atom(kind), data=(32, [*data, 0, 0, 0, 0, 0][:5]))
    target.send_event(message, event_mask=0)
    # Not only on its way: of a program that has left, a busy display does not read what it still said.
    d.sync()


def events():
    """Events as they come, until patience ends."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        while d.pending_events():
            yield d.next_event()
        select.select([d], [], [], 0.1)
    sys.exit("desk.py: no answer from the window")


def give(request, uris):
    """Answers a request for the dragged names."""
    request.requestor.change_property(request.property, request.target, 8, uris)
    notify = event.SelectionNotify(
        time=request.time, requestor=request.requestor, selection=request.selection,
        target=request.target, property=request.property,
    )
    request.requestor.send_event(notify, event_mask=0)
    d.flush()


def drop(target, files):
    uris = "".join(pathlib.Path(file).resolve().as_uri() + "\r\n" for file in files).encode()
    screen = d.screen()
    own = screen.root.create_window(0, 0, 1, 1, 0, screen.root_depth, event_mask=X.PropertyChangeMask)
    own.set_selection_owner(atom("XdndSelection"), X.CurrentTime)
    place = target.translate_coords(screen.root, 0, 0)
    size = target.get_geometry()
    x, y = -place.x + size.width // 2, -place.y + size.height // 2
    send(target, "XdndEnter", own.id, 5 << 24, atom("text/uri-list"), 0, 0)
    send(target, "XdndPosition", own.id, 0, x << 16 | y, X.CurrentTime, atom("XdndActionCopy"))
    for this in events():
        if this.type == X.SelectionRequest:
            give(this, uris)
        elif this.type == X.ClientMessage and this.client_type == atom("XdndStatus"):
            if not this.data[1][1] & 1:
                sys.exit("desk.py: the window does not want the files")
            send(target, "XdndDrop", own.id, 0, X.CurrentTime)
        elif this.type == X.ClientMessage and this.client_type == atom("XdndFinished"):
            return


def close(target):
    send(target, "WM_PROTOCOLS", atom("WM_DELETE_WINDOW"), X.CurrentTime)


def close_covered(target):
    """Asks it to close while nothing of it is in sight, and waits until it asks to be seen."""
    screen = d.screen()
    screen.root.change_attributes(event_mask=X.SubstructureNotifyMask)
    cover = screen.root.create_window(
        0, 0, screen.width_in_pixels, screen.height_in_pixels, 0, screen.root_depth,
        override_redirect=True, event_mask=X.VisibilityChangeMask,
    )
    cover.map()
    for this in events():
        if this.type == X.VisibilityNotify:
            close(target)
        elif this.type == X.DestroyNotify and this.window == target:
            sys.exit("desk.py: the window is gone")
        elif this.type == X.ClientMessage and this.client_type == atom("_NET_ACTIVE_WINDOW"):
            return


def main():
    what, window, *files = sys.argv[1:]
    target = d.create_resource_object("window", int(window))
    if what == "drop":
        drop(target, files)
    elif what == "close-covered":
        close_covered(target)
    else:
        close(target)
    d.close()


main()
