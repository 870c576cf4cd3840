"""What a backend of python3-h2 has still to send, of each stream: pieces, and True or trailers at the end."""


def drain(connection, outbox, stream):
    """Sends of `outbox[stream]` what the windows take."""
    box = outbox.get(stream)
    while box:
        if box[0] is True:
            connection.end_stream(stream)
        elif isinstance(box[0], list):
            connection.send_headers(stream, box[0], end_stream=True)
        else:
            room = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size)
            if room <= 0:
                return
            piece, box[0] = box[0][:room], box[0][room:]
            connection.send_data(stream, piece)
            if box[0]:
                continue
        box.pop(0)
