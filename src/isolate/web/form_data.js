// FormData is a native class.
(native, web) => {
  const { FormData } = native;
  web.defineGlobal("FormData", FormData);
  web.isFormData = native.isFormData;
  web.encodeFormData = native.encodeFormData;
  web.parseMultipart = native.parseMultipart;
  web.parseUrlencoded = native.parseUrlencoded;
  const forEach = FormData.prototype.forEach;
  web.describe(FormData.prototype, (form) => {
    const shown = { __proto__: null };
    forEach.call(form, (value, name) => {
      shown[name] = name in shown ? [shown[name], value].flat() : value;
    });
    return shown;
  });
};
