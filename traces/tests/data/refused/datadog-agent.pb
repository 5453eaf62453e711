
host-1prod*#go2
shopweb.request ¹`(¦:7.50.0