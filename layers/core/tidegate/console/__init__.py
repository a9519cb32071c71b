"""The delivery of the console's built files to a browser, the same on AWS and on loopback. It needs no package."""
