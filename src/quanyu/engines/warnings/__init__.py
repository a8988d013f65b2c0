"""The engine of warnings: messages from draft to their end, the channels that spread them, and what terminals answer.

A warning is a case of flow `warning`; this engine owns its message. What a second person approved is what is published,
an exercise reaches no actual channel, and what is over is sent by nobody any more.
"""
