"""A folder of containers and JPEG files as a gallery for web browsers.

`library` finds files, `pictures` makes of them what is shown, `app` answers requests with both, and `server`
listens. Only the last two need the packages of the extra `serve`.
"""
